"""Pure: from what is observed of a Synthesis to what is to be done, the status, and why."""

from .decide import decide
from .decision import (
    Action,
    Announcement,
    ApplyDeclaration,
    ApplyVerifiers,
    CreateJob,
    Decision,
    DeleteChild,
    DeleteSynthesis,
    FoldOrder,
    ScaleJob,
    SetFinalizer,
)
from .facts import ChildFact, Facts, Failure, JobFact, PodFact
from .progress import Progress
from .settings import Settings

__all__ = [
    "Action",
    "Announcement",
    "ApplyDeclaration",
    "ApplyVerifiers",
    "ChildFact",
    "CreateJob",
    "Decision",
    "DeleteChild",
    "DeleteSynthesis",
    "Facts",
    "Failure",
    "FoldOrder",
    "JobFact",
    "PodFact",
    "Progress",
    "ScaleJob",
    "SetFinalizer",
    "Settings",
    "decide",
]
