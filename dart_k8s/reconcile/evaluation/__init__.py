"""Policy of Evaluations: prepared, sampled by Syntheses of their own, scored."""

from .phases import PHASES, end
from .status import status
from .view import EvaluationView

__all__ = ["PHASES", "EvaluationView", "end", "status"]
