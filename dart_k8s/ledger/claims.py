"""Claims: who works on a shard, as a small JSON object changed only by conditional writes.

    absent --take--> live --renew--> live --finish--> done
                      |                \\--release--> released --take--> live (next attempt)
                      \\--(same ETag for the time to live, on the observer's own clock)--take--> live (next attempt)

The pure part: documents and their transitions. Whether a claim has expired is the observer's to say, never a clock
comparison between machines. Each document carries its writer's nonce, so a writer can tell its own write.
"""

import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from dart_k8s.errors import RunError

FORMAT = "dart-k8s.io/claim/v1"


class Hold(StrEnum):
    """How an attempt stands."""

    LIVE = "live"
    RELEASED = "released"
    """Given back in order: the rest may be taken at once."""
    DONE = "done"
    """Carried out: nothing is left of the shard."""
    LOST = "lost"
    """Taken over after its time to live."""
    ASIDE = "set-aside"
    """The shard ended its holders again and again; nobody takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One attempt's line in the claim."""

    holder: str
    """Sampler process: host, process and a random part."""
    nonce: str
    hold: Hold = Hold.LIVE
    segments: int | None = None
    """Segments written, once the attempt is over in order; None: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """All attempts at a shard (or at a role), the last one is the current."""

    name: str
    """Shard, or role, that is claimed."""
    attempts: tuple[Holding, ...]
    beat: int = 0
    """Rises with every renewal, so that the ETag changes."""
    failures: int = 0
    """Attempts that ended without release and without a new result."""

    @property
    def current(self) -> Holding:
        """The attempt that counts."""
        return self.attempts[-1]

    @property
    def attempt(self) -> int:
        """Number of the current attempt, from 0."""
        return len(self.attempts) - 1

    @property
    def free(self) -> bool:
        """Whether anybody may take it without waiting for its time to live."""
        return self.current.hold is Hold.RELEASED


def take(name: str, previous: Claim | None, *, holder: str, nonce: str, failed: bool = False) -> Claim:
    """The claim of a new holder; `failed` if the previous attempt brought nothing before it was lost."""
    if previous is None:
        return Claim(name=name, attempts=(Holding(holder=holder, nonce=nonce),))
    last = previous.current
    if last.hold is Hold.LIVE:
        last = replace(last, hold=Hold.LOST)
    return Claim(
        name=name,
        attempts=(*previous.attempts[:-1], last, Holding(holder=holder, nonce=nonce)),
        failures=previous.failures + failed,
    )


def set_aside(previous: Claim) -> Claim:
    """The claim of a shard that nobody shall take any more."""
    last = replace(previous.current, hold=Hold.ASIDE)
    return replace(
        previous, attempts=(*previous.attempts[:-1], last), beat=previous.beat + 1, failures=previous.failures + 1
    )


def renew(claim: Claim) -> Claim:
    """The holder is alive."""
    return replace(claim, beat=claim.beat + 1)


def close(claim: Claim, hold: Hold, segments: int) -> Claim:
    """The holder's last word: done or released, after `segments` segments."""
    last = replace(claim.current, hold=hold, segments=segments)
    return replace(claim, attempts=(*claim.attempts[:-1], last), beat=claim.beat + 1)


def encode(claim: Claim) -> bytes:
    """The claim as JSON."""
    document = {
        "format": FORMAT,
        "name": claim.name,
        "beat": claim.beat,
        "failures": claim.failures,
        "attempts": [
            {"holder": a.holder, "nonce": a.nonce, "hold": a.hold.value, "segments": a.segments} for a in claim.attempts
        ],
    }
    return json.dumps(document, sort_keys=True).encode()


def decode(data: bytes, *, key: str) -> Claim:
    """The claim back; RunError if it is none, or of a newer format."""
    try:
        document: dict[str, Any] = json.loads(data)
        if document["format"] != FORMAT:
            raise RunError(
                f"Cannot read the claim '{key}': its format is {document['format']}, this program knows {FORMAT}.",
                remedy="Use the newer program that wrote it.",
            )
        if not document["attempts"]:
            raise ValueError("it has no attempt")
        attempts = tuple(Holding(**{**a, "hold": Hold(a["hold"])}) for a in document["attempts"])
        return Claim(name=document["name"], attempts=attempts, beat=document["beat"], failures=document["failures"])
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise RunError(
            f"Cannot read the claim '{key}': {error}.", remedy="Restore the object from a backup or a bucket version."
        ) from error
