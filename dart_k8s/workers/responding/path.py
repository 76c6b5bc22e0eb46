"""One tool-integrated response on its way: what it has so far, and what comes next. No input or output here.

    wrote(path, completion) -> path, Write | Run | End      the model has written up to a stop
    ran(path, execution)    -> path, Write                  a block has been run

Generation stops at the end of a block of Python, and at an output fence that the model opens itself. What stands behind
either is cut away: outputs are only ever those of the executor.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

from dart_k8s.ledger.segments import Span

__all__ = ["STOPS", "End", "Limits", "Path", "Run", "Step", "Write", "prose", "ran", "wrote"]

FENCE_END = "```\n"
OUTPUT_FENCE = "```output"
STOPS = (FENCE_END, OUTPUT_FENCE)
"""The end of a fenced block, which an opening fence with its language behind it does not contain; and an output."""

_BLOCK = re.compile(r"```[ \t]*(?:python3?|py)[ \t]*\n(.*?)```", re.DOTALL | re.IGNORECASE)
_OPEN = re.compile(r"```[ \t]*(?:python3?|py)[ \t]*\n(?!.*```)", re.DOTALL | re.IGNORECASE)
"""A block that has begun and not ended."""

Finish = Literal["stop", "length", "executions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one response."""

    max_tokens: int
    """That the model writes over all rounds; outputs are not counted."""
    executions: int = 8
    """Blocks that are run; one more ends the response as incorrect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A response so far."""

    text: str = ""
    spans: tuple[Span, ...] = ()
    """Of the outputs; what lies between them is the model's."""
    blocks: tuple[str, ...] = ()
    """Blocks that the session consists of: those since it last started anew."""
    executions: int = 0
    tokens: int = 0
    """That the model wrote."""

    def parts(self) -> tuple[Span, ...]:
        """All of the text, by who wrote it; nothing if no code was run."""
        if not self.spans:
            return ()
        parts, end = [], 0
        for span in self.spans:
            parts += [Span("model", end, span.start)] * (span.start > end) + [span]
            end = span.end
        return (*parts, *[Span("model", end, len(self.text))] * (len(self.text) > end))


@dataclass(frozen=True, slots=True)
class Write:
    """The model goes on, for so many tokens at most."""

    max_tokens: int


@dataclass(frozen=True, slots=True)
class Run:
    """The last of these blocks has to be run, after the others."""

    blocks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class End:
    """The response is finished."""

    finish: Finish


Step = Write | Run | End


def wrote(
    path: Path, text: str, tokens: int, *, finish: Literal["stop", "length"], stop: str | None, limits: Limits
) -> tuple[Path, Step]:
    """The model has written `text` in `tokens` tokens, up to the stop string `stop` (None: another end, or untold)."""
    begin = path.spans[-1].end if path.spans else 0
    whole = path.text + text
    if stop == FENCE_END:
        whole += FENCE_END
    elif stop is None and finish == "stop" and _OPEN.search(whole, begin):
        # Either the engine does not tell why it stopped, or the model ended in the middle of its code.
        whole += ("" if whole.endswith("\n") else "\n") + FENCE_END
    spent = path.tokens + tokens
    block = _BLOCK.search(whole, begin)
    if block is None:
        # An engine without stop strings, or one that sends them along.
        whole, opened = _before(whole, begin)
        path = replace(path, text=whole, tokens=spent)
        if finish == "length" or spent >= limits.max_tokens:
            return path, End("length")
        return path, Write(limits.max_tokens - spent) if stop == FENCE_END and not opened else End("stop")
    path = replace(path, text=whole[: block.end()] + "\n", tokens=spent)
    if path.executions >= limits.executions:
        return path, End("executions")
    if spent >= limits.max_tokens:
        return path, End("length")
    path = replace(path, blocks=(*path.blocks, block[1]), executions=path.executions + 1)
    return path, Run(path.blocks)


def ran(path: Path, output: str, *, restarted: bool, limits: Limits) -> tuple[Path, Write]:
    """A block has been run; its output goes into the text, in a fence that it can't close itself."""
    said = output.strip("\n").replace("```", "'''")
    start = len(path.text)
    text = f"{path.text}{OUTPUT_FENCE}\n{said}\n{FENCE_END}"
    path = replace(
        path,
        text=text,
        spans=(*path.spans, Span("tool", start, len(text))),
        blocks=() if restarted else path.blocks,
    )
    return path, Write(limits.max_tokens - path.tokens)


def prose(text: str, spans: tuple[Span, ...]) -> str:
    """What a response says itself, without outputs and code: only there an answer counts."""
    if not spans:
        return text
    said = "\n".join(text[span.start : span.end] for span in spans if span.kind == "model")
    return _OPEN.split(_BLOCK.sub("\n", said))[0]


def _before(text: str, begin: int) -> tuple[str, bool]:
    """The text up to an output fence that the model opened after `begin`, and whether there was one."""
    place = text.find(OUTPUT_FENCE, begin)
    return (text, False) if place < 0 else (text[:place], True)
