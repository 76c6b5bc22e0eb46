"""Labelled pairs by construction, a module per kind of answer."""

from . import functions, gathered, irrational, numbers, worded
from .drawing import BOXES, FAMILIES, Pair, made

__all__ = ["BOXES", "FAMILIES", "Pair", "functions", "gathered", "irrational", "made", "numbers", "worded"]
