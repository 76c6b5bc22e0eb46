"""Policy of Trainings: from the data set that is waited for to a model that was loaded again."""

from .phases import PHASES, end
from .status import status
from .view import TrainingView

__all__ = ["PHASES", "TrainingView", "end", "status"]
