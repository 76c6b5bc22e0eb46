"""What a pod found, as its termination message: one JSON object of at most 4096 bytes, which is what the kubelet keeps.

    {"finding": REASON, "message": ..., "remedy": ..., "kind": ERROR CLASS}

REASON is a condition's reason (`api.conditions.REASONS`). It follows from the kind of the error and from what the pod
was doing when it came: the same AccessDenied is about the queries, the model or the output.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dart_k8s.errors import DartError

MOST_BYTES = 4096
"""Of a termination message that the kubelet keeps."""
INTERNAL = "InternalError"
"""For an error that is not ours: a fault of the program."""


class Doing(StrEnum):
    """What a pod was doing when something went wrong."""

    STARTING = "starting"
    """Reading the declaration, opening ports."""
    OUTPUT = "output"
    """Checking, claiming or writing the output."""
    QUERIES = "queries"
    """Reading queries, difficulties, benchmarks or earlier pools."""
    MODEL = "model"
    """Fetching the model, checking the prompts against it."""
    ENGINE = "engine"
    """Starting the engine, or asking the endpoint for its first token."""
    DATA = "data"
    """Reading the rows of a Training, and the student's template against them."""
    SAMPLING = "sampling"
    TRAINING = "training"
    CURATING = "curating"
    CLEANING = "cleaning"


_SOURCES = ("DataError", "SpecError", "NotFound", "AccessDenied", "StoreError")
_BY_DOING: Mapping[Doing, Mapping[str, str]] = {
    Doing.QUERIES: {
        "UnreadableReferences": "ReferencesUnreadable",
        "UnreadableReference": "ReferencesUnreadable",
        **dict.fromkeys(_SOURCES, "QueriesUnreadable"),
    },
    Doing.MODEL: dict.fromkeys((*_SOURCES, "EngineError", "StoreUnavailable"), "ModelUnavailable"),
    Doing.DATA: dict.fromkeys(("DataError", "NotFound", "AccessDenied", "StoreError"), "NothingToTrainOn"),
    Doing.ENGINE: {"EngineUnavailable": "EngineUnreachable", "EngineError": "EngineFailed"},
    Doing.OUTPUT: {
        "SpecError": "OutputNotWritable",
        "NotFound": "OutputNotWritable",
        "StoreError": "OutputNotWritable",
    },
    Doing.CLEANING: {"StoreError": "OutputNotWritable"},
}
"""Kind of error -> reason, where it depends on what was being done. Read before `_BY_KIND`, for each class of the error
from the most special to the most general."""
_BY_KIND: Mapping[str, str] = {
    "OutputOwned": "OutputOwned",
    "OutputNotEmpty": "OutputNotEmpty",
    "SpecChanged": "SpecChanged",
    "NotIsolated": "NotIsolated",
    "NothingToTrainOn": "NothingToTrainOn",
    "CheckpointUnusable": "CheckpointUnusable",
    "RestartsExhausted": "RestartsExhausted",
    "RendezvousTimeout": "RendezvousTimeout",
    "StoreUnsuitable": "StoreUnsuitable",
    "AccessDenied": "StoreAccessDenied",
    "StoreFull": "StoreFull",
    "StoreUnavailable": "StoreUnavailable",
    "StoreError": "StoreFailed",
    "EngineNotReady": "EngineNotReady",
    "EngineStalled": "EngineStalled",
    "EngineUnavailable": "EngineUnreachable",
    "EngineError": "EngineFailed",
    "VerifierError": "VerifiersUnavailable",
    "ExecutionError": "CodeNotConfined",
    "SpecError": "BadConfiguration",
    "RunError": "RunUnreadable",
    "StoppedError": "Stopped",
}
REASONS = frozenset({INTERNAL, *_BY_KIND.values(), *(r for table in _BY_DOING.values() for r in table.values())})
"""Every reason that a finding can have. `Stopped` is nobody's fault, and no condition's reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """See the module."""

    reason: str
    message: str
    remedy: str = ""
    kind: str = ""
    """Class of the error."""


def reason_of(error: BaseException, doing: Doing) -> str:
    """The condition's reason of an error that came while a pod was doing something."""
    kinds = [kind.__name__ for kind in type(error).__mro__ if issubclass(kind, DartError)]
    for name in kinds:
        found = _BY_DOING.get(doing, {}).get(name) or _BY_KIND.get(name)
        if found is not None:
            return found
    return INTERNAL


def finding(error: BaseException, doing: Doing) -> Finding:
    """An error as a finding."""
    if isinstance(error, DartError):
        return Finding(
            reason=reason_of(error, doing), message=error.message, remedy=error.remedy, kind=type(error).__name__
        )
    return Finding(
        reason=INTERNAL,
        message=f"{type(error).__name__}: {error}",
        remedy="This is a fault of the program: please report it with the pod's log.",
        kind=type(error).__name__,
    )


def encode(found: Finding) -> str:
    """The termination message; a message that is too long loses its middle, and then the remedy does."""
    message, remedy = found.message, found.remedy
    while True:
        document = {"finding": found.reason, "message": message, "remedy": remedy, "kind": found.kind}
        text = json.dumps(document, ensure_ascii=False)
        over = len(text.encode("utf-8", "replace")) - MOST_BYTES
        if over <= 0:
            return text
        if message:
            message = _shorter(message, over)
        else:
            remedy = _shorter(remedy, over)


def _shorter(text: str, over: int) -> str:
    """The text without a piece from its middle, `over` characters shorter at least."""
    keep = max(0, len(text) - over - len(_GAP))
    return text[: keep * 2 // 3] + _GAP + text[len(text) - keep // 3 :] if keep else ""


_GAP = " [...] "


def decode(said: str) -> Finding | None:
    """The finding in a termination message; None if it holds none: a log's last lines, or nothing."""
    try:
        document: Any = json.loads(said)
        return Finding(
            reason=str(document["finding"]),
            message=str(document["message"]),
            remedy=str(document.get("remedy", "")),
            kind=str(document.get("kind", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


__all__ = ["INTERNAL", "MOST_BYTES", "REASONS", "Doing", "Finding", "decode", "encode", "finding", "reason_of"]
