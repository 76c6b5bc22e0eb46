"""Policy: an object that has finished is deleted after its time to live, if it has one."""

from .decision import Action, DeleteObject
from .view import Clock, View


def expire(view: View, finished_at: float) -> tuple[tuple[Action, ...], float | None]:
    """What deletes it, or in how many seconds that is due."""
    if view.wishes.ttl is None:
        return (), None
    clock = Clock(view.now)
    if clock.passed(finished_at + view.wishes.ttl):
        return (DeleteObject(uid=view.wishes.uid),), None
    return (), clock.after


__all__ = ["expire"]
