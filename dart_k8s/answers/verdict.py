"""What a check returns, and what a caller may ask of it."""

from dataclasses import dataclass
from typing import Literal

VERSION = "3"
"""Version of the rules. Verdicts are stored with it; it changes whenever any pair of texts may get another verdict."""

Kind = Literal["", "list", "set", "tuple", "interval"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome of one check."""

    verdict: Literal["correct", "incorrect", "undecided"]
    """`undecided` only if the verifier hit one of its own limits."""
    answer: str | None
    """The final answer found in the response, as written; None if there is none."""
    tier: str
    """What decided: extract, text, normal, number, structure, kind, numeric, symbolic, read, limit."""
    reason: str
    """One sentence for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a benchmark asks beyond the rules for data sets. The default is the rule for data sets: strict and exact."""

    lenient: bool = False
    """Take the last formula or number of a response that marks no final answer, as the DART-Math evaluation code
    does."""
    relative: float = 0.0
    """Relative tolerance against a reference that is a decimal."""
    absolute: float = 0.0
    """Absolute tolerance against a reference that is a decimal."""
    exact_references_too: bool = False
    """Apply the tolerances whatever the reference looks like (OlympiadBench gives an error per item, for roots as for
    decimals)."""
    choices: bool = False
    """The reference is the letter of an option: case, brackets and the text of the option after the letter do not
    matter."""
    unit: bool = False
    """The reference is a number without its unit: symbols of units behind the number of an answer are left out."""
    truth: bool = False
    """The reference is a truth value: yes is true and no is false, also with more words behind them."""
    kind: Kind = ""
    """What a sequence in any brackets is read as, where the benchmark says what kind of answer it expects."""
