"""Difficulty budgets: the posterior, the strategies, the stops, and planning. Pure arithmetic, no input or output."""
