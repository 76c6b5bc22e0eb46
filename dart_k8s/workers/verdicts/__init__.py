"""Verdicts on a file of responses: `dart verify`."""

from .job import Job, Outcome, Progress, need_yardstick, verify
from .summary import Summary

__all__ = ["Job", "Outcome", "Progress", "Summary", "need_yardstick", "verify"]
