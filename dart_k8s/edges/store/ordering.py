"""Listing in one order, whatever the server's.

S3 lists by the bytes of the whole key. Servers that keep keys as folders (SeaweedFS 4.48 does) list by parts: all of
`a/...` before `a-b`, although `-` is smaller than `/`. Both orders differ only where one name continues another with a
character below the slash, so streaming stays possible with a small buffer, and a listing can start where neither
order skips anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dart_k8s.edges.store.base import Entry

_ABOVE_SLASH = chr(ord("/") + 1)


def in_byte_order(entries: Iterable[Entry], base: str) -> Iterator[Entry]:
    """Entries ascending by key, from entries that ascend by key or part by part.

    `base` is the folder (empty or with its slash) that all keys are in. Holds one folder directly under it at a time.
    """
    held: list[Entry] = []
    barrier = ""
    for entry in entries:
        if held and entry.key >= barrier:
            yield from sorted(held, key=_key)
            held = []
        name, slash, _ = entry.key[len(base) :].partition("/")
        if slash:
            # Once a key reaches this barrier, no sibling that sorts before the folder's content can follow.
            barrier = max(barrier, base + name + _ABOVE_SLASH)
        elif not held:
            yield entry
            continue
        held.append(entry)
    yield from sorted(held, key=_key)


def safe_start(key: str, base: str) -> str:
    """A string behind which, in either order, lies everything that is greater than `key` by bytes (and a little more).

    First `key` is cut before its first character below the slash (after `base`): a greater key that the other order
    puts earlier shares everything up to such a character. Then it is lowered a little, because SeaweedFS, told to
    start after `a`, leaves out all of `a/...`.
    """
    cut = next((position for position in range(len(base), len(key)) if key[position] < "/"), len(key))
    start = key[:cut].rstrip("/")
    while start:
        lower = "." if start[-1] == "0" else chr(ord(start[-1]) - 1)
        if lower.isprintable():
            return f"{start[:-1]}{lower}~"
        start = start[:-1].rstrip("/")
    return ""


def _key(entry: Entry) -> str:
    return entry.key
