"""The plan of a Training, said before it starts: rows, tokens, sequences, steps, warm-up, and what looks wrong."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dart_k8s.api.optimising import Optimisation
from dart_k8s.errors import NothingToTrainOn

from .packing import Ints, draw

FEW_STEPS = 50
"""Optimiser steps under which AdamW has hardly left its warm-up: a warning."""
LARGE = 65e9
"""Parameters from which a model is one of "70 B and more": Llama-2-70B has 69.0e9, Llama-3-70B 70.6e9."""
RATE, RATE_LARGE = 5e-5, 2e-5
"""The paper's learning rates (Tong et al. 2024, section 4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """See the module."""

    rows: int
    """Rows that are trained on."""
    dropped_rows: int
    """Rows longer than a sequence."""
    tokens: int
    """In one epoch."""
    response_tokens: int
    """Those of them that are learnt."""
    packs: int
    """Packed sequences of one epoch."""
    fill: float
    """Part of their tokens that is rows, not padding."""
    batch: int
    length: int
    epochs: float
    """As they come out of the steps."""
    steps: int
    """Optimiser steps."""
    warmup_steps: int
    learning_rate: float
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """By wire names."""
        return {_wire(name): value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "Plan":
        """What `to_dict` gave; KeyError if something is missing."""
        fields = {name: value[_wire(name)] for name in cls.__slots__}
        return cls(**{**fields, "warnings": tuple(fields["warnings"])})


def _wire(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def rate_of(optimisation: Optimisation, parameters: int) -> float:
    """The highest learning rate: as declared, else by the model's size."""
    return optimisation.learning_rate or (RATE_LARGE if parameters >= LARGE else RATE)


def plan(lengths: Ints, optimisation: Optimisation, *, learnt: int, dropped: int, parameters: int) -> Plan:
    """Plan a Training on rows of so many tokens each, `learnt` of them in all; `dropped` rows did not fit.

    The last step is filled up from one more drawing, so that all steps are of one size. NothingToTrainOn if there is
    less than one batch.
    """
    long = f"{dropped} rows are longer than {optimisation.length} tokens and are dropped"
    if not lengths.size:
        raise NothingToTrainOn(f"Nothing is left to train on: {long}.", remedy="Raise spec.optimisation.length.")
    packs = draw(lengths, optimisation.length, seed=optimisation.seed, epoch=0, kind=optimisation.packing).size
    sequences = optimisation.epochs * packs
    if sequences < optimisation.batch:
        raise NothingToTrainOn(
            f"There is too little to train on: {lengths.size} rows make {packs} sequences of {optimisation.length} "
            f"tokens, in {optimisation.epochs:g} epochs {sequences:g}, and one step takes a batch of "
            f"{optimisation.batch}.",
            remedy="Lower spec.optimisation.batch or length, or bring more rows.",
        )
    steps = math.ceil(sequences / optimisation.batch - 1e-9)
    if optimisation.max_steps is not None:
        steps = min(steps, optimisation.max_steps)
    warnings = []
    if dropped:
        warnings.append(long)
    if steps < FEW_STEPS:
        warnings.append(
            f"only {steps} optimiser steps: batch {optimisation.batch} x length {optimisation.length} takes "
            f"{packs} sequences an epoch, and there are {optimisation.epochs:g} epochs; lower length or batch, "
            "or raise epochs"
        )
    tokens = int(lengths.sum())
    return Plan(
        rows=int(lengths.size),
        dropped_rows=dropped,
        tokens=tokens,
        response_tokens=learnt,
        packs=packs,
        fill=tokens / (packs * optimisation.length) if optimisation.packing == "bfd" else 1.0,
        batch=optimisation.batch,
        length=optimisation.length,
        epochs=steps * optimisation.batch / packs,
        steps=steps,
        warmup_steps=math.ceil(steps * optimisation.warmup),
        learning_rate=rate_of(optimisation, parameters),
        warnings=tuple(warnings),
    )


def choose(queries: np.ndarray[Any, Any], wanted: int, seed: int) -> Ints:
    """Rows to take, ascending: so many, by a seeded choice that keeps how many rows each query has.

    Rows stand in the order of their queries, those of one query shuffled, and every n-th is taken from a drawn start:
    a query's part of the choice differs from its part of the set by less than one row.
    """
    rng = np.random.default_rng([seed, 1])
    _, group = np.unique(queries, return_inverse=True)
    shuffled_groups = rng.permutation(int(group.max()) + 1 if group.size else 0)[group]
    order = np.lexsort((rng.random(group.size), shuffled_groups))
    places = np.floor((np.arange(wanted) + rng.random()) * group.size / wanted).astype(np.int64)
    chosen: Ints = np.sort(order[places])
    return chosen


__all__ = ["FEW_STEPS", "Plan", "choose", "plan", "rate_of"]
