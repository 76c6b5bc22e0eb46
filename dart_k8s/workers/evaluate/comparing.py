"""From what a user names to evaluations side by side: reports, outputs, or declarations of them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dart_k8s.edges.store import open_store
from dart_k8s.errors import DataError, NotFound, SpecError
from dart_k8s.scores.benchmark import POLICIES
from dart_k8s.scores.comparing import Compared, Measured, Side, compare
from dart_k8s.scores.numbers import Floats, Resampling
from dart_k8s.scores.paper import Published, published

from .provenance import follow
from .report import FORMAT, REPORT


def open_side(place: str, *, name: str = "") -> Side:
    """A report (a file or an object that ends in .json), or an output of an Evaluation.

    Raises SpecError where there is no report, DataError for one that can't be read.
    """
    report = _report(place)
    made = follow(report["model"]["uri"])
    return Side(
        name=name or str(report["name"]),
        model=str(report["model"]["uri"] or report["model"]["served"] or report["model"]["engine"]),
        benchmarks={one["name"]: _measured(one, place) for one in report["benchmarks"]},
        cost=made.cost,
        base=made.base,
        notes=made.notes,
    )


def side_by_side(sides: Sequence[Side], how: Resampling) -> tuple[Compared, tuple[Published, ...]]:
    """The comparison, and the rows of the paper's table that stand beside its models."""
    rows = [row for side in sides for row in published(side.model, side.base)]
    return compare(sides, how), tuple(dict.fromkeys(rows))


def _report(place: str) -> Mapping[str, Any]:
    try:
        if place.endswith(".json"):
            data = _read(place)
        else:
            data = open_store(place).get(REPORT).data
    except (NotFound, FileNotFoundError) as error:
        raise SpecError(
            f"Cannot compare {place}: there is no report of an Evaluation.",
            remedy="Name a report (evaluation.json), the output of a finished Evaluation, or its declaration file.",
        ) from error
    try:
        found: Mapping[str, Any] = json.loads(data)
        if found["format"] != FORMAT:
            raise DataError(
                f"Cannot compare {place}: its format is {found['format']}, this program reads {FORMAT}.",
                remedy="Name a report of `dart run`, or use the newer program that wrote it.",
            )
        return found
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"Cannot compare {place}: it is no report of an Evaluation ({error!r}).") from error


def _read(place: str) -> bytes:
    if "://" in place:
        folder, _, key = place.rpartition("/")
        return open_store(folder).get(key).data
    return Path(place).expanduser().read_bytes()


def _measured(one: Mapping[str, Any], place: str) -> Measured:
    try:
        vectors = one["perItem"]
        ids = vectors["ids"]
        names = tuple(ids.split(" ") if isinstance(ids, str) else ids)
        greedy = "strict" in vectors
        values: dict[Any, Floats] = {}
        for policy in POLICIES:
            if greedy:
                values[policy] = np.array([digit == "1" for digit in vectors[policy]], dtype=np.float64)
            else:
                n = np.array(vectors["trials"].split(), dtype=np.float64)
                c = np.array(vectors["correct"][policy].split(), dtype=np.float64)
                values[policy] = np.divide(c, n, out=np.zeros_like(c), where=n > 0)
            if values[policy].size != len(names):
                raise ValueError(f"{values[policy].size} values for {len(names)} items")
        return Measured(
            ids=names, values=values, measure="greedy" if greedy else "pass@1", revision=str(one["revision"])
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"Cannot compare {place}: what it says of its items can't be read ({error!r}).") from error


__all__ = ["open_side", "side_by_side"]
