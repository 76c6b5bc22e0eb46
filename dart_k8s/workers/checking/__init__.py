"""Checking responses on all cores of one machine, in processes that may die at any moment."""

from .checkers import Checkers, Counts
from .machine import cores
from .verifier import CheckersVerifier

__all__ = ["Checkers", "CheckersVerifier", "Counts", "cores"]
