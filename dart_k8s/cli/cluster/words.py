"""Small pieces of text: ages as kubectl writes them, and what others wrote, made harmless for a terminal."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

__all__ = ["age", "instant", "listed", "one_line", "plain", "several"]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
LONGEST_LIST = 8
"""Names in a sentence."""


def plain(text: str) -> str:
    """Without control characters: a message or a log line can hold what a model wrote, escape sequences included."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def one_line(text: str, most: int = 0) -> str:
    """On one line, at most so many characters (0: all of them)."""
    line = plain(" ".join(text.split()))
    return f"{line[: most - 3]}..." if most and len(line) > most else line


def instant(text: object) -> float | None:
    """Seconds since the epoch of an RFC 3339 time; None if there is none."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def age(seconds: float) -> str:
    """A time span as kubectl shows ages: two units at most, and only where the second still matters."""
    whole = max(0, int(seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if whole < 120:
        return f"{whole}s"
    if minutes < 10:
        return f"{minutes}m{whole % 60}s" if whole % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    return f"{days}d{hours % 24}h" if days < 8 and hours % 24 else f"{days}d"


def listed(names: Iterable[str]) -> str:
    """The first few of some names, and how many more there are."""
    every = list(names)
    more = f" and {len(every) - LONGEST_LIST} more" if len(every) > LONGEST_LIST else ""
    return ", ".join(every[:LONGEST_LIST]) + more


def several(count: int, what: str) -> str:
    """1 pod, 2 pods."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
