"""What every engine promises, whatever stands behind it.

One request is one response: `generate` awaits it whole, and cancelling the awaiting task aborts it in the engine. How
many of them run at once is up to the caller, up to `slots`; beyond that an engine queues first come, first served.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

__all__ = ["Completion", "Engine", "EngineCounters", "EngineInfo", "Finish", "Message", "Prompt", "Request"]

Finish = Literal["stop", "length"]
"""Why a response ended: by itself or at a stop string ("stop"), or cut off at its token limit ("length")."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One turn of a chat prompt."""

    role: str
    """system, user or assistant."""
    content: str


Prompt = str | tuple[Message, ...]
"""Text is completed as it stands; messages go through the model's chat template."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One response to sample."""

    name: str
    """Unique among the requests of one engine start; shows up in the engine's log."""
    prompt: Prompt
    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    """The response ends before the first of these; the stop string itself is not part of the text."""
    prefix: str = ""
    """What the response has so far: it goes on from there, and only what is new is in the completion. Part of the
    prompt's tokens."""
    seed: int | None = None
    """None = the engine's own stream of random numbers, which is faster on some engines."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """One finished response."""

    text: str
    tokens: int
    """Tokens generated, the end token included where the engine counts it."""
    prompt_tokens: int
    finish: Finish
    stop: str | None = None
    """The stop string that ended it; None: it ended by itself or at its limit, or the engine does not tell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineInfo:
    """What was started, for the card of a data set and for diagnostics."""

    kind: str
    model: str
    revision: str | None
    version: str | None
    """Of the engine's software; None when it does not tell."""
    dtype: str | None
    context: int | None
    """Tokens that prompt and response have together; None when the engine does not tell."""
    slots: int
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class EngineCounters:
    """Running sums since the engine was made. `requests` = finished + aborted + failed + still in flight."""

    requests: int = 0
    tokens: int = 0
    """Generated in finished responses."""
    prompt_tokens: int = 0
    """Of the prompts of finished responses."""
    aborted: int = 0
    """Requests cancelled by the caller."""
    wasted_tokens: int = 0
    """Generated for requests that were aborted, as far as the engine tells."""
    retries: int = 0
    steps: int = 0
    """Grows while the engine works, within a response too; 0: the engine does not tell."""
    trouble: str = ""
    """Why a request was repeated last; empty: none was."""


class Engine(Protocol):
    """Turns prompts into responses."""

    slots: int
    """Requests it can usefully run at once."""
    counters: EngineCounters

    async def start(self) -> EngineInfo:
        """Load the model or probe the endpoint. Raises EngineError, which says the way out."""
        ...

    async def generate(self, request: Request) -> Completion:
        """Sample one response; cancelling the task aborts it in the engine.

        Raises EngineRequestError for this one request (prompt too long, refused), EngineUnavailable when all retries
        are used up, EngineDead when the engine is gone.
        """
        ...

    async def count_tokens(self, prompt: Prompt) -> int | None:
        """Tokens of a prompt as `generate` would count them; None when the engine can't tell."""
        ...

    async def close(self) -> None:
        """Free everything; requests still in flight end in EngineDead. Closing twice is fine."""
        ...
