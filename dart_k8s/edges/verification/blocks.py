"""The format of POST /v1/execute, both ways: one block of code with those before it, and what came of it. JSON.

{"format": 1, "session": "...", "blocks": ["...", ...]}
{"format": 1, "text": "...", "outcome": "done", "seconds": 0.02, "replayed": 0, "restarted": false}
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from dart_k8s.edges.verification.wire import Malformed

__all__ = ["OUTCOMES", "WireBlock", "WireExecution", "read_block", "read_execution", "write_block", "write_execution"]

FORMAT = 1
"""Version of this format; a server reads this one and all before it."""
OUTCOMES = ("done", "error", "timeout", "memory", "output", "died", "refused")
MOST_BLOCKS = 64
MOST_SESSION = 500
"""Characters of a session's name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WireBlock:
    """A request."""

    session: str
    blocks: tuple[str, ...]
    format: int = FORMAT


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
    return _dump(asdict(block))


def read_block(body: bytes) -> WireBlock:
    """A request out of a body. Raises Malformed, which names the place and what should stand there."""
    data = _load(body)
    strange = sorted(data.keys() - {"format", "session", "blocks"})
    if strange:
        raise Malformed(
            f"The request has a field {ascii(strange[0])[:60]} that this server does not know.",
            remedy="It knows format, session and blocks.",
        )
    number = data.get("format", FORMAT)
    if number != FORMAT or isinstance(number, bool):
        raise Malformed(
            f"The request has format {ascii(number)[:60]}; this server reads {FORMAT}.",
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
    return WireBlock(session=session, blocks=tuple(blocks))


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
