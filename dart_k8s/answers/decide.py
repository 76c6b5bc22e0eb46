"""From response and reference to a verdict: extraction, then the tiers from cheap to dear."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from dart_k8s.answers.compare import Comparison
from dart_k8s.answers.expression import Open
from dart_k8s.answers.extract import after_hashes, find_answer, last_box
from dart_k8s.answers.limits import ANSWER_CHARACTERS, LimitReached
from dart_k8s.answers.normalise import normal_answer, skeleton
from dart_k8s.answers.options import labelled, letter
from dart_k8s.answers.read import BASES, Problem, read
from dart_k8s.answers.tree import Node, Word
from dart_k8s.answers.unit_symbols import without_unit
from dart_k8s.answers.verdict import Policy, Verdict
from dart_k8s.answers.written import bound
from dart_k8s.errors import UnreadableReference

_PLAIN = re.compile(r"-?\d{1,400}(?:\.\d{1,400})?")
_COMMAS = re.compile(r"\d{1,3}(?:,\d{3})+")
_MODULO = re.compile(r"\\[pb]?mod(?![a-z])|\bmod(?:ulo)?\b")
_LONGEST_WORDS = 8
_TEXT = re.compile(r"\\(?:text|textbf|mathrm|mathbf)\s*\{([^{}]*)\}")
_TRUTH = re.compile(
    r"(?:(?:it|this|the (?:statement|claim|answer)) is )?(true|yes|false|no)\b(?:\s*[,.;:!(].*)?", re.DOTALL
)
_OPTION = re.compile(r"\(?\s*([A-Za-z])\s*(?:\)|\.|:|,|$).*", re.DOTALL)
_SHOWN = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What only computer algebra can say: whether two expressions are equal. Asked by `decide`, answered through
    `facts`."""

    left: Node
    right: Node


Facts = Mapping[tuple[Node, Node], bool]
_NO_FACTS: Facts = {}


def decide(
    response: str, reference: str, query: str | None = None, *, policy: Policy, facts: Facts = _NO_FACTS
) -> Verdict | Question:
    """The verdict, or a question whose answer has to be among `facts` the next time. Pure, bounded, never raises on
    any text."""
    found = find_answer(response, lenient=policy.lenient)
    if found.answer is None:
        return Verdict(verdict="incorrect", answer=None, tier="extract", reason=f"No final answer: {found.reason}.")
    outcome = (
        judge(found.answer, reference, _hints(query), policy)
        if not facts
        else _judge(found.answer, reference, _hints(query), policy, facts)
    )
    if isinstance(outcome, Question):
        return outcome
    verdict, tier, reason = outcome
    return Verdict(verdict=verdict, answer=found.answer, tier=tier, reason=reason)


Outcome = tuple[Literal["correct", "incorrect", "undecided"], str, str]


def _hints(query: str | None) -> str:
    """The little that a question may say about its answer's form: percent, ratio, residue, a base. Short, so that the
    memo stays small."""
    if not query:
        return ""
    lower = query.lower()
    hints = [word for word in ("percent", "ratio") if word in lower]
    if "%" in query and "percent" not in hints:
        hints.append("percent")
    if ("mod" in lower and _MODULO.search(lower)) or "residue" in lower or "remainder" in lower:
        hints.append("mod")
    if "base" in lower:
        named = re.findall(r"base[ -]\$?\{?(\d{1,2}|[a-z]{3,8})", lower)
        hints.extend(f"base {BASES.get(base, base)}" for base in named if base.isdigit() or base in BASES)
    return " ".join(hints)


@lru_cache(maxsize=32768)
def judge(answer: str, reference: str, hints: str, policy: Policy) -> Outcome | Question:
    """Two answers compared; remembered, since models give the same answer to the same query again and again."""
    return _judge(answer, reference, hints, policy, _NO_FACTS)


def _judge(answer: str, reference: str, hints: str, policy: Policy, facts: Facts) -> Outcome | Question:
    try:
        return _tiers(answer, reference, hints, policy, facts)
    except Open as question:
        return Question(left=question.left, right=question.right)
    except (LimitReached, RecursionError) as limit:
        return "undecided", "limit", f"The comparison of {_show(answer)} with {_show(reference)} was refused: {limit}."
    except Exception as error:
        # A mistake of this package is no reason to lose the caller's other responses. The fuzzer looks for these.
        return "undecided", "limit", f"{UNEXPECTED} of {_show(answer)} with {_show(reference)}: {error!r}."


UNEXPECTED = "An unexpected error in the comparison"


def _show(text: str) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "...")


def _tiers(
    answer: str, reference: str, hints: str, policy: Policy, facts: Facts, *, options: bool = True
) -> Outcome | Question:
    if answer.strip() == reference.strip():
        return "correct", "text", "The answer is the reference, character by character."
    if policy.choices and (option := _option(reference)):
        given = _option(answer)
        return (
            ("correct" if given == option else "incorrect"),
            "kind",
            f"The option is {given or 'not named'}, the reference {option}.",
        )
    if policy.truth and (wanted := _truth(reference)) is not None and (told := _truth(answer)) is not None:
        return (
            ("correct" if told is wanted else "incorrect"),
            "kind",
            f"The answer says {told}, the reference {wanted}.",
        )
    if policy.unit:
        answer = without_unit(answer, reference)
    answer = answer.strip()
    if len(answer) > ANSWER_CHARACTERS or len(reference) > ANSWER_CHARACTERS:
        return "undecided", "limit", f"An answer of more than {ANSWER_CHARACTERS} characters is compared as text only."
    normal, target = normal_answer(answer), normal_answer(reference)
    if normal and normal == target:
        return "correct", "normal", "The answer is the reference in its normal form."
    if policy.kind and (_COMMAS.fullmatch(target) or _COMMAS.fullmatch(reference.strip(" $"))):
        # The caller says that it is a collection: then commas do not group digits.
        reference = reference.replace(",", ", ")
    exact = not (policy.relative or policy.absolute)
    if exact and _PLAIN.fullmatch(normal) and _PLAIN.fullmatch(target):
        if Fraction(normal) == Fraction(target):
            return "correct", "number", "Both are the same number."
        return "incorrect", "number", f"The numbers {_show(normal)} and {_show(target)} differ."
    ours, theirs = (labelled(normal), labelled(target)) if options else (None, None)
    if ours or theirs:
        return _labelled(ours, theirs, answer, reference, hints, policy, facts)
    left, right = read(answer), read(reference)
    if (isinstance(right, Problem) or isinstance(left, Problem)) and skeleton(normal) == skeleton(target) != "":
        return "correct", "normal", "The answer is the reference, set in another way."
    if isinstance(right, Problem):
        return _unread(right, reference, "reference")
    if isinstance(left, Problem):
        return _unread(left, answer, "answer")
    bound(left, right)
    comparison = Comparison(policy, hints, facts)
    if comparison.same(left, right):
        return "correct", comparison.tier, f"{_show(answer)} equals {_show(reference)}."
    return "incorrect", comparison.tier, f"{_show(answer)} does not equal {_show(reference)}."


def _labelled(
    given: tuple[str, str] | None,
    wanted: tuple[str, str] | None,
    answer: str,
    reference: str,
    hints: str,
    policy: Policy,
    facts: Facts,
) -> Outcome | Question:
    """An option with its value against the other side: by the letter where that is one, else by the value [O]."""
    first, second = (given[0] if given else letter(answer)), (wanted[0] if wanted else letter(reference))
    if first and second and first != second:
        return "incorrect", "kind", f"The option is {first}, the reference {second}."
    if first and second and not (given and wanted):
        return "correct", "kind", f"Both name the option {first}."
    # Once only: a label inside the value would make the depth the attacker's choice.
    values = given[1] if given else answer, wanted[1] if wanted else reference
    return _tiers(*values, hints, policy, facts, options=False)


def _unread(problem: Problem, text: str, name: str) -> tuple[Literal["undecided", "incorrect"], str, str]:
    """What a text that can't be read comes to: undecided where a limit was met, else incorrect."""
    reason = f"The {name} {_show(text)} can't be read: {problem.reason}."
    return ("undecided", "limit", reason) if problem.limit else ("incorrect", "read", reason)


def _option(text: str) -> str:
    """The letter of an option, upper case; empty if the text does not start with one."""
    found = _OPTION.fullmatch(_TEXT.sub(r"\1 ", text).strip(" $*.\n"))
    return found[1].upper() if found else ""


def _truth(text: str) -> bool | None:
    """What a text says is so or not so; None if it says neither in its first word."""
    found = _TRUTH.fullmatch(_TEXT.sub(r"\1 ", text[:ANSWER_CHARACTERS]).strip(" $*.\n").lower())
    return None if found is None else found[1] in ("true", "yes")


def read_reference(text: str, how: Literal["as-is", "last-box", "after-hashes"]) -> str:
    """The reference answer in a data set's answer field.

    `as-is` takes the field, `last-box` the last box of a solution, `after-hashes` what stands behind its last ####.
    Raises UnreadableReference with what was looked for if it is not there.
    """
    if how == "as-is":
        answer, looked = text.strip() or None, "any text"
    elif how == "last-box":
        found = last_box(text)
        answer, looked = found.answer, f"a closed, filled \\boxed{{}} ({found.reason or 'found'})"
    elif how == "after-hashes":
        found = after_hashes(text)
        answer, looked = found.answer, f"text behind #### ({found.reason or 'found'})"
    else:
        raise UnreadableReference(
            f"Unknown way to read a reference: {how!r}.", remedy="Use as-is, last-box or after-hashes."
        )
    if answer is None or not answer.strip(" \t\n$.{}~"):
        raise UnreadableReference(
            f"No reference answer in {_show(text)}: looked for {looked}.", remedy="Check the field and how it is read."
        )
    return answer


def check_reference(reference: str) -> str | None:
    """None if the verifier can use a reference, else one sentence why it can't."""
    node = read(reference)
    if isinstance(node, Problem):
        return f"The reference {_show(reference)} can't be read: {node.reason}."
    if isinstance(node, Word) and len(node.text.split()) > _LONGEST_WORDS:
        return f"The reference {_show(reference)} is a sentence: only the very same words would be correct."
    return None
