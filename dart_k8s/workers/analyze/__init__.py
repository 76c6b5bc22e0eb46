"""What any data set of query/response rows tells about its bias towards easy queries."""

from .bias import Analysis, CountsReach, Fields, SetBias, analyze
from .reference import Reference, from_query_info, from_rows, from_state

__all__ = [
    "Analysis",
    "CountsReach",
    "Fields",
    "Reference",
    "SetBias",
    "analyze",
    "from_query_info",
    "from_rows",
    "from_state",
]
