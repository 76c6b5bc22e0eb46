"""Folding in a child process of the operator: tallies into budget states, plans out of them, a summary back."""
