"""Make the quickstart's problems: 36 exercises in arithmetic from reasoning-gym, as JSONL.

    python problems.py FILE
    python problems.py --held-out FILE      336 others of the same kinds, to evaluate on

How they were chosen, with SmolLM2-135M-Instruct: 102 exercises of ten kinds, generated with the seed below, were
sampled ten times each with two forerunners of the prompt in prompt.txt. 51 of them (mostly ones that it had solved) and
28 further ones of the promising kinds were then sampled 16 times each with prompt.txt itself (temperature 0.8, top-p
0.95, 64 tokens). CHOSEN was picked from these by pass rate: half between 0.05 and 0.5, few that are next to hopeless.
README.md has the rates of the chosen, and those of a later sampling that had no part in the choice.
"""

import argparse
import hashlib
import json
import os
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

SEED = 11
KINDS: dict[str, tuple[str, dict[str, int]]] = {
    "sum-2x1": ("chain_sum", {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1}),
    "sum-3x1": ("chain_sum", {"min_terms": 3, "max_terms": 3, "min_digits": 1, "max_digits": 1}),
    "sum-4x1": ("chain_sum", {"min_terms": 4, "max_terms": 4, "min_digits": 1, "max_digits": 1}),
    "sum-2x2": ("chain_sum", {"min_terms": 2, "max_terms": 2, "min_digits": 2, "max_digits": 2}),
    "product-1": ("products", {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1}),
    "gcd": ("gcd", {"min_value": 2, "max_value": 30}),
    "lcm": ("lcm", {"min_value": 2, "max_value": 9}),
}
"""Kind (terms x digits, or what is asked) -> generator and its settings."""
CHOSEN: dict[str, dict[int, str]] = {
    "sum-2x1": {0: "easy", 1: "easy", 2: "easy", 3: "medium", 4: "easy", 5: "hard", 6: "easy", 7: "easy", 8: "easy"},
    "sum-3x1": {
        4: "easy",
        6: "medium",
        11: "hard",
        13: "medium",
        15: "hardest",
        16: "medium",
        17: "medium",
        20: "hard",
    },
    "sum-4x1": {6: "hard", 7: "hard"},
    "sum-2x2": {0: "hardest", 1: "hard", 13: "medium"},
    "product-1": {
        1: "medium",
        2: "easy",
        4: "easy",
        5: "medium",
        10: "easy",
        15: "easy",
        16: "easy",
        18: "easy",
        19: "easy",
    },
    "gcd": {2: "medium", 5: "medium", 11: "hard"},
    "lcm": {6: "hard", 7: "hard"},
}
"""Kind -> number of the exercise -> level, by the pass rate measured: easy over 0.5, medium from 0.15, hard from 0.05,
hardest below."""
HELD_OUT_SEED = 29
HELD_OUT = {"sum-2x1": 84, "sum-3x1": 75, "sum-4x1": 18, "sum-2x2": 27, "product-1": 84, "gcd": 30, "lcm": 18}
"""Kind -> how many exercises to evaluate on: as the chosen are mixed. The first with this seed whose text is none of
the chosen's and none before; not chosen by anything that a model did."""
SHA256 = "8d29b10d3a97d051ecf63cfd1ee3606d4201dd01b02f6a9b2ecfa9c744142bc5"
HELD_OUT_SHA256 = "0e69728e4fb48782e356c2377cc612ef24657a7a78835decb5f664fe89264fe4"
"""Of the files: another version of reasoning-gym may make other exercises, of unknown difficulty."""


def wording(kind: str, metadata: dict[str, Any]) -> str:
    if kind in ("gcd", "lcm"):
        name = {"gcd": "greatest common divisor", "lcm": "least common multiple"}[kind]
        return f"What is the {name} of {' and '.join(map(str, metadata['numbers']))}?"
    return f"What is {metadata['expression']}?"


def exercises(generator: str, seed: int, size: int, settings: dict[str, int]) -> Any:
    """Exercises by number; number i depends on the seed and i, not on how many are generated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Only its logic puzzles use pycosat, which would have to be compiled: it is not installed (.ci/overrides.txt).
        sys.modules.setdefault("pycosat", ModuleType("pycosat"))
        import reasoning_gym

    return reasoning_gym.create_dataset(generator, seed=seed, size=size, **settings)


def problems() -> list[dict[str, str]]:
    """Those to sample and to train on."""
    rows = []
    for kind, chosen in CHOSEN.items():
        generator, settings = KINDS[kind]
        made = exercises(generator, SEED, max(chosen) + 1, settings)
        for number, level in chosen.items():
            exercise = made[number]
            rows.append(
                {
                    "id": f"{kind}-{number}",
                    "query": wording(kind, exercise["metadata"]),
                    "answer": str(exercise["answer"]),
                    "level": level,
                    "subject": kind.partition("-")[0],
                }
            )
    return rows


def held_out() -> list[dict[str, str]]:
    """Those to evaluate on: no text in common with the others. Their level is their kind."""
    rows, known = [], {row["query"] for row in problems()}
    for kind, count in HELD_OUT.items():
        generator, settings = KINDS[kind]
        left = count
        for number, exercise in enumerate(exercises(generator, HELD_OUT_SEED, 100 * count, settings)):
            query = wording(kind, exercise["metadata"])
            if query in known:
                continue
            known.add(query)
            fields = {
                "query": query,
                "answer": str(exercise["answer"]),
                "level": kind,
                "subject": kind.partition("-")[0],
            }
            rows.append({"id": f"held-out-{kind}-{number}", **fields})
            left -= 1
            if not left:
                break
        else:
            raise SystemExit(f"There are only {count - left} exercises of the kind {kind} to hold out, not {count}.")
    return rows


def make(path: Path, rows: list[dict[str, str]], expected: str) -> None:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    found = hashlib.sha256(text.encode()).hexdigest()
    if found != expected:
        raise SystemExit(
            f"This version of reasoning-gym makes other exercises than those that were measured "
            f"(sha256 {found}, not {expected}). Install reasoning-gym 0.1.25."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    # Under its name only when it is whole.
    part = path.with_name(f".{path.name}-{os.getpid()}")
    part.write_text(text, "utf-8")
    part.replace(path)
    print(f"The problems are there: {path}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the file of the quickstart's problems.")
    parser.add_argument("file", type=Path, help="where they go, as JSONL")
    parser.add_argument("--held-out", action="store_true", help="those to evaluate on")
    asked = parser.parse_args()
    if asked.held_out:
        make(asked.file, held_out(), HELD_OUT_SHA256)
    else:
        make(asked.file, problems(), SHA256)
