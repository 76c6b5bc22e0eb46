"""The scores of one benchmark: of all its problems, by subject and by level, and of those that come with pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .bootstrap import estimate
from .curves import Curve, coverage, pass_at_k
from .majority import majority_at_k
from .numbers import Bools, Estimate, Floats, Ints, Resampling

Policy = Literal["strict", "lenient"]
POLICIES: tuple[Policy, ...] = ("strict", "lenient")
COVERAGE_AT = (100, 1000)
"""Numbers of trials at which coverage is told, where there are so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Votes:
    """What the trials of one problem answered, beside the right answer."""

    others: tuple[int, ...] = ()
    """Sizes of the classes of equal wrong answers."""
    silent: int = 0
    """Trials without an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What one policy says of N problems."""

    greedy: Bools | None
    """Whether the greedy response is right, shape (N,); None without a greedy pass."""
    correct: Ints
    """Right ones among the trials, shape (N,)."""
    first: Ints
    """Index of the first right trial, -1 without one; shape (N,)."""
    votes: tuple[Votes, ...]
    """Per problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """All verdicts on a benchmark's N problems."""

    name: str
    ids: tuple[str, ...]
    subjects: tuple[str | None, ...]
    levels: tuple[str | None, ...]
    pictures: Bools
    """Which problems come with a picture, that the model was not shown; shape (N,)."""
    trials: Ints
    """Trials of each problem, n; shape (N,), 0 without a second pass."""
    judged: dict[Policy, Judged]

    def only(self, chosen: Bools) -> "Outcomes":
        """The same of some problems."""
        at = np.flatnonzero(chosen)
        return Outcomes(
            name=self.name,
            ids=tuple(self.ids[i] for i in at),
            subjects=tuple(self.subjects[i] for i in at),
            levels=tuple(self.levels[i] for i in at),
            pictures=self.pictures[at],
            trials=self.trials[at],
            judged={
                policy: Judged(
                    greedy=None if one.greedy is None else one.greedy[at],
                    correct=one.correct[at],
                    first=one.first[at],
                    votes=tuple(one.votes[i] for i in at),
                )
                for policy, one in self.judged.items()
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """maj@k, pass@k or coverage at one k."""

    k: int
    score: Estimate
    left_out: int
    """Problems with fewer than k trials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The scores of some problems under one policy. Shares, 0 to 1."""

    greedy: Estimate | None
    pass_at: tuple[At, ...] = ()
    majority_at: tuple[At, ...] = ()
    covered_at: tuple[At, ...] = ()
    """Share of problems that one of the first k trials solved."""
    coverage: Curve | None = None
    """The same for every k."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Some of a benchmark's problems."""

    label: str
    items: int
    scores: dict[Policy, Scored]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkScores:
    """The scores of one benchmark."""

    name: str
    items: int
    scores: dict[Policy, Scored]
    by_subject: tuple[Group, ...]
    by_level: tuple[Group, ...]
    by_picture: tuple[Group, ...]
    """Problems with and without a picture; empty where none has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to compute of the trials."""

    pass_at: tuple[int, ...] = ()
    majority_at: tuple[int, ...] = ()


def scores_of(outcomes: Outcomes, wanted: Wanted, how: Resampling) -> BenchmarkScores:
    """Everything about one benchmark."""
    pictures = np.where(outcomes.pictures, "with a picture", "without a picture").tolist()
    return BenchmarkScores(
        name=outcomes.name,
        items=len(outcomes.ids),
        scores=_both(outcomes, wanted, how, of=outcomes.name),
        by_subject=_groups(outcomes, outcomes.subjects, wanted, how),
        by_level=_groups(outcomes, outcomes.levels, wanted, how),
        by_picture=_groups(outcomes, pictures, wanted, how) if outcomes.pictures.any() else (),
    )


def values_at(outcomes: Outcomes, policy: Policy, kind: Literal["greedy", "pass", "majority"], k: int = 1) -> Floats:
    """One number per problem, shape (N,); NaN where there are too few trials, or no such pass."""
    judged = outcomes.judged[policy]
    if kind == "greedy":
        none = np.full(len(outcomes.ids), np.nan)
        return none if judged.greedy is None else judged.greedy.astype(np.float64)
    if kind == "pass":
        return pass_at_k(outcomes.trials, judged.correct, k)
    return np.array(
        [
            majority_at_k(int(right), votes.others, int(n - right - sum(votes.others)), k)
            for n, right, votes in zip(outcomes.trials, judged.correct, judged.votes, strict=True)
        ]
    )


def _both(outcomes: Outcomes, wanted: Wanted, how: Resampling, *, of: str) -> dict[Policy, Scored]:
    return {policy: _scored(outcomes, policy, wanted, how, of=of) for policy in POLICIES}


def _scored(outcomes: Outcomes, policy: Policy, wanted: Wanted, how: Resampling, *, of: str) -> Scored:
    judged = outcomes.judged[policy]

    def at(ks: Sequence[int], values: Callable[[int], Floats], what: str) -> tuple[At, ...]:
        made = []
        for k in ks:
            found = values(k)
            known = ~np.isnan(found)
            if known.any():
                score = estimate(found[known], how, of=f"{of} {what}@{k}")
                made.append(At(k=k, score=score, left_out=int((~known).sum())))
        return tuple(made)

    def covered(k: int) -> Floats:
        solved = (judged.first >= 0) & (judged.first < k)
        return np.where(outcomes.trials >= k, solved.astype(np.float64), np.nan)

    greedy = None
    if judged.greedy is not None and len(outcomes.ids):
        greedy = estimate(judged.greedy.astype(np.float64), how, of=f"{of} greedy")
    most = int(outcomes.trials.min()) if len(outcomes.ids) else 0
    return Scored(
        greedy=greedy,
        pass_at=at(wanted.pass_at, lambda k: values_at(outcomes, policy, "pass", k), "pass"),
        majority_at=at(wanted.majority_at, lambda k: values_at(outcomes, policy, "majority", k), "maj"),
        covered_at=at([k for k in COVERAGE_AT if most >= k], covered, "coverage"),
        coverage=coverage(judged.first, most) if most else None,
    )


def _groups(outcomes: Outcomes, labels: Sequence[str | None], wanted: Wanted, how: Resampling) -> tuple[Group, ...]:
    """One group a label, in the order of names (numbers by value); problems without a label are in none."""
    less = Wanted(pass_at=wanted.pass_at, majority_at=wanted.majority_at[-1:])
    names = sorted({label for label in labels if label is not None}, key=_by_value)
    made = []
    for name in names:
        part = outcomes.only(np.array([label == name for label in labels], dtype=np.bool_))
        scores = _both(part, less, how, of=f"{outcomes.name} {name}")
        made.append(Group(label=name, items=len(part.ids), scores=scores))
    return tuple(made)


def _by_value(name: str) -> tuple[int, str]:
    return (int(name) if name.isdigit() else -1, name)


__all__ = [
    "COVERAGE_AT",
    "POLICIES",
    "At",
    "BenchmarkScores",
    "Group",
    "Judged",
    "Outcomes",
    "Policy",
    "Scored",
    "Votes",
    "Wanted",
    "scores_of",
    "values_at",
]
