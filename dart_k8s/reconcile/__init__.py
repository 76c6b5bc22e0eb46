"""Pure: from what is observed of an object to what is to be done, the status, and why."""

from .decide import decide
from .decision import (
    Action,
    Announcement,
    ApplyDeclaration,
    ApplyPass,
    ApplyTrainers,
    ApplyVerifiers,
    CreateJob,
    Decision,
    DeleteChild,
    DeleteObject,
    FoldOrder,
    ReadOrder,
    ScaleJob,
    SetFinalizer,
)
from .facts import ChildFact, Facts, Failure, Found, JobFact, PodFact, Reference
from .progress import Progress
from .settings import Settings

__all__ = [
    "Action",
    "Announcement",
    "ApplyDeclaration",
    "ApplyPass",
    "ApplyTrainers",
    "ApplyVerifiers",
    "ChildFact",
    "CreateJob",
    "Decision",
    "DeleteChild",
    "DeleteObject",
    "Facts",
    "Failure",
    "FoldOrder",
    "Found",
    "JobFact",
    "PodFact",
    "Progress",
    "ReadOrder",
    "Reference",
    "ScaleJob",
    "SetFinalizer",
    "Settings",
    "decide",
]
