"""What goes over the wire to a verification server and back: JSON, in a format that has a number.

    POST /v1/verify   {"format": 1, "rules": "1", "policy": {"lenient": false},
                       "items": [{"response": "...", "reference": "...", "query": "..."}]}
    200               {"format": 1, "rules": "1", "program": "0.1.0",
                       "verdicts": [{"verdict": "correct", "answer": "5", "tier": "text", "reason": "..."}]}
    4xx, 5xx          {"error": {"code": "queue-full", "message": "...", "remedy": "..."}}

`rules` is the version of what equals what. A request that names it gets verdicts by these rules or 409, never others.
Verdicts come in the order of the items. Texts may hold anything, lone surrogates too: everything that is not ASCII is
escaped.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from dart_k8s.errors import DartError

__all__ = ["FORMAT", "Item", "Malformed", "Refusal", "Reply", "Request", "WireVerdict", "read_refusal", "read_reply",
           "read_request", "write_refusal", "write_reply", "write_request"]  # fmt: skip

FORMAT = 1
"""Version of this format; a server reads this one and all before it."""
VERDICTS = frozenset({"correct", "incorrect", "undecided"})
SHOWN = 60


class Malformed(DartError):
    """A message that does not follow the format."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One response to judge."""

    response: str
    reference: str
    query: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """Responses that are judged under one policy."""

    items: tuple[Item, ...]
    rules: str | None = None
    """The version of the rules that the verdicts must follow; None: whichever the server has."""
    policy: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the policy that are not at their default."""
    format: int = FORMAT


@dataclass(frozen=True, kw_only=True, slots=True)
class WireVerdict:
    """The outcome for one item; what the fields mean is said where verdicts are made."""

    verdict: str
    answer: str | None
    tier: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """Verdicts in the order of the items."""

    verdicts: tuple[WireVerdict, ...]
    rules: str
    program: str
    """Version of the server's program."""
    format: int = FORMAT


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why there is no reply."""

    code: str
    """One word for programs: malformed, too-large, queue-full, other-rules, draining, ..."""
    message: str
    remedy: str = ""


def write_request(request: Request) -> bytes:
    """The body of a request."""
    items = [
        {"response": item.response, "reference": item.reference} | ({} if item.query is None else {"query": item.query})
        for item in request.items
    ]
    body: dict[str, Any] = {"format": request.format, "items": items}
    if request.rules is not None:
        body["rules"] = request.rules
    if request.policy:
        body["policy"] = dict(request.policy)
    return _dump(body)


def read_request(body: bytes) -> Request:
    """A request out of a body. Raises Malformed, which names the place, what stands there, and what should."""
    data = _load(body)
    _fields(data, "the request", {"format", "rules", "policy", "items"})
    number = data.get("format", FORMAT)
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= FORMAT:
        raise Malformed(
            f"The request has format {_shown(number)}; this server reads 1 to {FORMAT}.",
            remedy="Use client and server of the same release.",
        )
    rules = data.get("rules")
    if rules is not None and not isinstance(rules, str):
        raise Malformed(f"rules is {_kind(rules)}, not a string.")
    policy = data.get("policy", {})
    if not isinstance(policy, dict):
        raise Malformed(f"policy is {_kind(policy)}, not an object.")
    for name, value in policy.items():
        if not isinstance(value, bool | int | float | str) or (isinstance(value, float) and not math.isfinite(value)):
            raise Malformed(f"policy.{name} is {_shown(value)}: not a boolean, a finite number or a string.")
    items = data.get("items")
    if not isinstance(items, list) or not items:
        raise Malformed(f"items is {_kind(items)}, not a list with at least one item.")
    return Request(
        items=tuple(_item(item, f"items[{n}]") for n, item in enumerate(items)),
        rules=rules,
        policy=policy,
        format=number,
    )


def _item(data: object, where: str) -> Item:
    if not isinstance(data, dict):
        raise Malformed(f"{where} is {_kind(data)}, not an object.")
    _fields(data, where, {"response", "reference", "query"})
    for name in ("response", "reference"):
        if not isinstance(data.get(name), str):
            raise Malformed(f"{where}.{name} is {_kind(data.get(name))}, not a string.")
    query = data.get("query")
    if query is not None and not isinstance(query, str):
        raise Malformed(f"{where}.query is {_kind(query)}, not a string.")
    return Item(response=data["response"], reference=data["reference"], query=query)


def write_reply(reply: Reply) -> bytes:
    """The body of a reply."""
    return _dump(asdict(reply))


def read_reply(body: bytes, *, count: int) -> Reply:
    """A reply to a request with `count` items out of a body. Raises Malformed. Fields not known here are ignored."""
    data = _load(body)
    number = data.get("format")
    if number != FORMAT:
        raise Malformed(
            f"The reply has format {_shown(number)}; this client reads {FORMAT}.",
            remedy="Use client and server of the same release.",
        )
    verdicts, rules, program = data.get("verdicts"), data.get("rules"), data.get("program", "")
    if not isinstance(verdicts, list) or len(verdicts) != count or not isinstance(rules, str):
        raise Malformed(f"The reply holds no list of {count} verdicts with the version of their rules.")
    return Reply(verdicts=tuple(map(_verdict, verdicts)), rules=rules, program=str(program))


def _verdict(data: object) -> WireVerdict:
    if isinstance(data, dict):
        verdict, answer = data.get("verdict"), data.get("answer")
        tier, reason = data.get("tier"), data.get("reason")
        if verdict in VERDICTS and isinstance(answer, str | None) and isinstance(tier, str) and isinstance(reason, str):
            return WireVerdict(verdict=str(verdict), answer=answer, tier=tier, reason=reason)
    raise Malformed(f"The reply holds {_shown(data)} where a verdict should be.")


def write_refusal(refusal: Refusal) -> bytes:
    """The body of an error."""
    return _dump({"error": asdict(refusal)})


def read_refusal(body: bytes) -> Refusal:
    """Why a request was refused; what comes from something else than a verification server is shown as it is."""
    try:
        error = _load(body)["error"]
        return Refusal(code=str(error["code"]), message=str(error["message"]), remedy=str(error.get("remedy", "")))
    except (Malformed, KeyError, TypeError, AttributeError):
        text = " ".join(body[: 4 * SHOWN].decode("utf-8", "replace").split())
        return Refusal(code="unknown", message=f"no verification server's answer: {_shown(text)}")


def _dump(data: object) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode("ascii")


def _load(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8 at byte {error.start + 1}.") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON at line {error.lineno}, column {error.colno}: {error.msg}.") from None
    except (ValueError, RecursionError):
        raise Malformed("The body is not JSON that can be read: too deep, or a number with too many digits.") from None
    if not isinstance(data, dict):
        raise Malformed(f"The body is {_kind(data)}, not an object.")
    return data


def _fields(data: Mapping[str, Any], where: str, known: set[str]) -> None:
    strange = sorted(data.keys() - known)
    if strange:
        raise Malformed(
            f"{where[0].upper()}{where[1:]} has a field {_shown(strange[0])} that this server does not know.",
            remedy=f"It knows {', '.join(sorted(known))}.",
        )


def _kind(value: object) -> str:
    names: Mapping[type, str] = {
        type(None): "missing or null", bool: "a boolean", int: "a number", float: "a number", str: "a string",
        dict: "an object",
    }  # fmt: skip
    return (
        f"a list of {len(value)}" if isinstance(value, Sequence) and not isinstance(value, str) else names[type(value)]
    )


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
