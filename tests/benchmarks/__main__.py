"""Measure what docs/benchmarks.md states, and print its tables.

    python -m tests.benchmarks                      all parts at full size: hours; goes on where it was interrupted
    python -m tests.benchmarks --small              all parts at reduced size: half an hour on two cores
    python -m tests.benchmarks bound hopeless       these parts only
    python -m tests.benchmarks --show [--small]     only print what is stored

Results are kept in .cache/benchmarks, a file per part and size; delete a file to measure it again.
"""

import argparse
import sys
import time

from . import (
    accuracy,
    bookkeeping,
    bound,
    curation,
    execution,
    failing_over,
    folding,
    hopeless,
    operating,
    passes,
    service,
    tracking,
    verifying,
)
from .populations import FULL, NAMES
from .report import markdown
from .stored import Found, Part, Size

SLOTS = 256
SEEDS = 5
SMALL_BOUND = (
    ("heavy", 400, 1, SLOTS),
    ("light", 500, 1, SLOTS),
    ("heavy", 500, 8, SLOTS),
    ("light", 700, 8, SLOTS),
    ("light", 500, 32, 16),
    ("heavy", 300, 32, 16),
    ("light", 1_500, 32, SLOTS),
)
"""Population, queries, samplers, slots of each. Few queries leave 32 samplers hardly anything: fewer slots, too."""


def _peer(*, population_name: str) -> Found:
    return bound.peer(population_name)


def _curation(*, responses: int) -> Found:
    return {"head": curation.HEAD, "row": curation.run(responses)}


def parts(*, small: bool) -> list[Part]:
    """Everything there is to measure, the quick ones first."""
    full = [(name, FULL, samplers, SLOTS) for samplers in (1, 8, 32) for name in NAMES]
    bounds: list[Size] = [
        {"population_name": name, "queries": queries, "samplers": samplers, "slots": slots}
        for name, queries, samplers, slots in (SMALL_BOUND if small else full)
    ]
    queries = 5_000 if small else FULL
    stops: list[Size] = [
        {"population_name": name, "strategy": strategy, "queries": queries, "seed": seed}
        for strategy in hopeless.GOALS
        for name in NAMES
        for seed in range(SEEDS)
    ]
    known: list[Size] = [
        {"population_name": name, "queries": queries, "seed": seed}
        for name in NAMES
        for seed in range(2 if small else SEEDS)
    ]
    responses = 30_000 if small else 300_000
    return [
        *(Part("peer", _peer, {"population_name": name}) for name in NAMES),
        *(
            Part("bookkeeping", bookkeeping.measure, {"responses": responses, "padded": padded})
            for padded in (False, True)
        ),
        Part("service", service.measure, {"responses": 12_000 if small else 60_000}),
        Part("execution", execution.measure, {"blocks": 100 if small else 400}),
        *(
            Part("verifying", verifying.measure, {"mix": mix, "responses": responses // 10, "beside": 1_000})
            for mix in verifying.MIXES
        ),
        *(Part("attacks", verifying.measure_attacks, {"kind": kind}) for kind in verifying.ATTACKS),
        *(
            Part("passes", passes.measure, {"prompts": prompts, "samplers": samplers, "slots": slots})
            for prompts, samplers, slots in ((passes.SIX, 1, SLOTS), (passes.SIX, 4, SLOTS), (1_319, 1, SLOTS))
        ),
        Part("folding", folding.measure, {"queries": 1_000_000}),
        *(Part("accuracy", accuracy.measure, size) for size in known),
        *(Part("hopeless", hopeless.measure, size) for size in stops),
        Part("failing_over", failing_over.measure, {"rounds": 2 if small else 5}),
        Part("operating", operating.measure, {"syntheses": 100 if small else 1_000, "samplers": 8}),
        Part("tracking", tracking.measure, {"syntheses": 15 if small else 150, "samplers": 100}),
        Part("curation", _curation, {"responses": 100_000 if small else 1_000_000}),
        *(Part("bound", bound.measure, size) for size in bounds),
    ]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", help="names of parts; default: all")
    parser.add_argument("--small", action="store_true", help="reduced sizes")
    parser.add_argument("--show", action="store_true", help="measure nothing")
    asked = parser.parse_args(arguments)
    listed = parts(small=asked.small)
    if unknown := set(asked.parts) - {part.name for part in listed}:
        parser.error(f"unknown parts {', '.join(sorted(unknown))}")
    chosen = [part for part in listed if not asked.parts or part.name in asked.parts]
    for number, part in enumerate(chosen, start=1):
        if asked.show or part.stored() is not None:
            continue
        words = ", ".join(f"{name} {value}" for name, value in part.size.items())
        print(f"[{number}/{len(chosen)}] {part.name}: {words} ...", end=" ", file=sys.stderr, flush=True)
        began = time.monotonic()
        part.run()
        print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    print(markdown(chosen))


if __name__ == "__main__":
    main(sys.argv[1:])
