"""Reading what a hostile process writes: never more than a bound, never more than text."""

import json
from dataclasses import dataclass, field

from dart_k8s.edges.execution.base import shortened

__all__ = ["End", "Ends", "Output"]

MOST_END = 256
"""Bytes of a message that says that a block has ended."""


@dataclass(slots=True)
class Output:
    """The head and the tail of what a block prints; the middle is counted and forgotten."""

    head_bytes: int
    tail_bytes: int
    most: int
    """Bytes after which the block has to stop."""
    total: int = 0
    _head: bytearray = field(default_factory=bytearray)
    _tail: bytearray = field(default_factory=bytearray)

    def add(self, data: bytes) -> bool:
        """Take some of it; False once it is too much."""
        self.total += len(data)
        room = self.head_bytes - len(self._head)
        self._head += data[:room] if room > 0 else b""
        self._tail += data[max(0, room) :]
        del self._tail[: -self.tail_bytes]
        return self.total <= self.most

    def text(self) -> str:
        """What is kept, as text without control characters; line feeds and tabs stay."""
        left_out = self.total - len(self._head) - len(self._tail)
        head, tail = (_clean(bytes(part), cut=left_out > 0) for part in (self._head, self._tail))
        if not left_out:
            # A character may lie across the border.
            return _clean(bytes(self._head + self._tail), cut=False)
        return shortened(head, tail, left_out)


def _clean(data: bytes, *, cut: bool) -> str:
    text = data.decode("utf-8", "replace")
    if cut:
        text = text.strip("\ufffd")
    return "".join(c for c in text if (c >= " " and c != "\x7f") or c in "\n\t")


@dataclass(frozen=True, slots=True)
class End:
    """A session says that a block has ended."""

    number: int
    outcome: str


class Ends:
    """Messages of a session: a length of 4 bytes, then JSON. Whatever else comes breaks the session."""

    def __init__(self) -> None:
        self._held = bytearray()

    def add(self, data: bytes) -> End | None:
        """Take some bytes; the message once it is whole. ValueError for anything that is none."""
        self._held += data
        if len(self._held) < 4:
            return None
        size = int.from_bytes(self._held[:4], "big")
        if size > MOST_END or len(self._held) > 4 + size:
            raise ValueError("not one message")
        if len(self._held) < 4 + size:
            return None
        message = json.loads(bytes(self._held[4:]))
        self._held.clear()
        if not isinstance(message, dict) or not isinstance(message.get("number"), int):
            raise ValueError("not the end of a block")
        outcome = message.get("outcome")
        if outcome not in ("done", "error", "timeout"):
            raise ValueError("no outcome")
        return End(message["number"], outcome)
