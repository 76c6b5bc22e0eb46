"""Checking responses on all cores of one machine, in processes that may die at any moment."""

from .checkers import Checkers, Counts, Question

__all__ = ["Checkers", "Counts", "Question"]
