"""The format of POST /v1/execute, both ways: one block of code with those before it, and what came of it. JSON.

{"format": 2, "session": "...", "blocks": ["...", ...],
 "limits": {"seconds": 10.0, "memory": 536870912, "head": 2000, "tail": 1000}}
{"format": 1, "text": "...", "outcome": "done", "seconds": 0.02, "replayed": 0, "restarted": false}

A request without `limits` has format 1, which servers before the limits read too; it gets what the server allows.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from dart_k8s.edges.verification.wire import Malformed

__all__ = [
    "BEYOND",
    "OUTCOMES",
    "REQUEST",
    "WireBlock",
    "WireExecution",
    "WireLimits",
    "read_block",
    "read_execution",
    "write_block",
    "write_execution",
]

REQUEST = 2
"""Newest version of requests; a server reads this one and all before it. 2 adds the limits."""
FORMAT = 1
"""Version of replies, and of requests without limits."""
BEYOND = "beyond-limits"
"""Code of the refusal (400) of a request that asks for more than the server allows."""
LEAST_MEMORY = 64 << 20
MOST_SECONDS = 3600.0
MOST_BYTES = 1 << 40
OUTCOMES = ("done", "error", "timeout", "memory", "output", "died", "refused")
MOST_BLOCKS = 64
MOST_SESSION = 500
"""Characters of a session's name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WireLimits:
    """What a block may use: seconds, bytes of memory, bytes kept of the start and the end of what it prints."""

    seconds: float
    memory: int
    head: int
    tail: int


@dataclass(frozen=True, kw_only=True, slots=True)
class WireBlock:
    """A request."""

    session: str
    blocks: tuple[str, ...]
    limits: WireLimits | None = None
    """None: what the server allows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WireExecution:
    """A reply; what the fields mean is said where blocks are run."""

    text: str
    outcome: str
    seconds: float
    replayed: int
    restarted: bool
    format: int = FORMAT


def write_block(block: WireBlock) -> bytes:
    """The body of a request."""
    number = FORMAT if block.limits is None else REQUEST
    written = {"format": number, "session": block.session, "blocks": list(block.blocks)}
    return _dump(written if block.limits is None else {**written, "limits": asdict(block.limits)})


def read_block(body: bytes) -> WireBlock:
    """A request out of a body. Raises Malformed, which names the place and what should stand there."""
    data = _load(body)
    strange = sorted(data.keys() - {"format", "session", "blocks", "limits"})
    if strange:
        raise Malformed(
            f"The request has a field {ascii(strange[0])[:60]} that this server does not know.",
            remedy="It knows format, session, blocks and limits.",
        )
    number = data.get("format", FORMAT)
    if isinstance(number, bool) or number not in range(FORMAT, REQUEST + 1):
        raise Malformed(
            f"The request has format {ascii(number)[:60]}; this server reads {FORMAT} to {REQUEST}.",
            remedy="Use client and server of the same release.",
        )
    session, blocks = data.get("session"), data.get("blocks")
    if not isinstance(session, str) or not 1 <= len(session) <= MOST_SESSION:
        raise Malformed(f"session is not a text of 1 to {MOST_SESSION} characters.")
    if not isinstance(blocks, list) or not 1 <= len(blocks) <= MOST_BLOCKS:
        raise Malformed(f"blocks is not a list of 1 to {MOST_BLOCKS} texts.")
    for place, code in enumerate(blocks):
        if not isinstance(code, str):
            raise Malformed(f"blocks[{place}] is no text.")
    limits = data.get("limits")
    if limits is not None and number < REQUEST:
        raise Malformed(f"A request of format {number} has no limits.", remedy=f"Send format {REQUEST}.")
    return WireBlock(session=session, blocks=tuple(blocks), limits=None if limits is None else _limits(limits))


def _limits(given: object) -> WireLimits:
    if not isinstance(given, dict) or given.keys() != {"seconds", "memory", "head", "tail"}:
        raise Malformed("limits is not an object of seconds, memory, head and tail.")
    seconds = given["seconds"]
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= MOST_SECONDS:
        raise Malformed(f"limits.seconds is {ascii(seconds)[:60]}: not a number above 0, {MOST_SECONDS:g} at most.")
    for name, least in (("memory", LEAST_MEMORY), ("head", 0), ("tail", 0)):
        value = given[name]
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST_BYTES:
            raise Malformed(f"limits.{name} is {ascii(value)[:60]}: not a whole number of bytes from {least}.")
    return WireLimits(seconds=float(seconds), memory=given["memory"], head=given["head"], tail=given["tail"])


def write_execution(execution: WireExecution) -> bytes:
    """The body of a reply."""
    return _dump(asdict(execution))


def read_execution(body: bytes) -> WireExecution:
    """A reply out of a body. Raises Malformed. Fields not known here are ignored."""
    data = _load(body)
    if data.get("format") != FORMAT:
        raise Malformed(
            f"The reply has format {ascii(data.get('format'))[:60]}; this client reads {FORMAT}.",
            remedy="Use client and server of the same release.",
        )
    text, outcome, restarted = data.get("text"), data.get("outcome"), data.get("restarted")
    seconds, replayed = data.get("seconds"), data.get("replayed")
    if (
        not isinstance(text, str)
        or outcome not in OUTCOMES
        or not isinstance(restarted, bool)
        or not isinstance(seconds, int | float)
        or not isinstance(replayed, int)
    ):
        raise Malformed("The reply holds no execution.")
    return WireExecution(
        text=text, outcome=str(outcome), seconds=float(seconds), replayed=replayed, restarted=restarted
    )


def _dump(data: object) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode("ascii")


def _load(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Malformed("The body is no JSON in UTF-8.") from None
    if not isinstance(data, dict):
        raise Malformed("The body is no JSON object.")
    return data
