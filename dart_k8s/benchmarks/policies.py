"""Strict and lenient: where a final answer is looked for. How it is compared is the item's own."""

from dataclasses import replace
from typing import Literal, get_args

from dart_k8s.answers import Policy, Verdict, check
from dart_k8s.benchmarks.item import Item

Name = Literal["strict", "lenient"]
POLICIES: tuple[Name, ...] = get_args(Name)
"""strict: a marked answer, the rule for data sets. lenient: else the last formula or number, as DART-Math's evaluation
code does; published tables stand beside this one."""


def asked(item: Item, policy: Name) -> Policy:
    """What a verifier is asked for one item."""
    return item.policy if policy == "strict" else replace(item.policy, lenient=True)


def judge(item: Item, response: str, policy: Name) -> Verdict:
    """The verdict on one response, in this process. Many are judged by checkers, with `asked`."""
    return check(response, item.reference, item.problem, policy=asked(item, policy))
