"""Make the quickstart's problems: 36 exercises in arithmetic from reasoning-gym, as JSONL.

    python problems.py FILE

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
SHA256 = "8d29b10d3a97d051ecf63cfd1ee3606d4201dd01b02f6a9b2ecfa9c744142bc5"
"""Of the file: another version of reasoning-gym may make other exercises, of unknown difficulty."""


def wording(kind: str, metadata: dict[str, Any]) -> str:
    if kind in ("gcd", "lcm"):
        name = {"gcd": "greatest common divisor", "lcm": "least common multiple"}[kind]
        return f"What is the {name} of {' and '.join(map(str, metadata['numbers']))}?"
    return f"What is {metadata['expression']}?"


def problems() -> list[dict[str, str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Only its logic puzzles use pycosat, which would have to be compiled: it is not installed (.ci/overrides.txt).
        sys.modules.setdefault("pycosat", ModuleType("pycosat"))
        import reasoning_gym

    rows = []
    for kind, chosen in CHOSEN.items():
        generator, settings = KINDS[kind]
        # Exercise number i depends on the seed and i, not on how many are generated.
        exercises = reasoning_gym.create_dataset(generator, seed=SEED, size=max(chosen) + 1, **settings)
        for number, level in chosen.items():
            exercise = exercises[number]
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


def make(path: Path) -> None:
    text = "".join(json.dumps(row) + "\n" for row in problems())
    found = hashlib.sha256(text.encode()).hexdigest()
    if found != SHA256:
        raise SystemExit(
            f"This version of reasoning-gym makes other exercises than those that were measured "
            f"(sha256 {found}, not {SHA256}). Install reasoning-gym 0.1.25."
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
    make(parser.parse_args().file)
