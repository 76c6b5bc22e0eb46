"""Runs seeds one by one: `python -m tests.simulation SEED [SEED ...]`, or FIRST-LAST; tells what happened in each."""

import sys

from .cases import draw
from .runs import simulate


def main(words: list[str]) -> int:
    """How many seeds failed, at most 1."""
    failed = 0
    for word in words:
        first, _, last = word.partition("-")
        for seed in range(int(first), int(last or first) + 1):
            try:
                run = simulate(draw(seed))
            except AssertionError as error:
                failed = 1
                print(error)
            else:
                print(f"seed {seed}: ends well. {dict(sorted(run.happened.items()))}")
                if word == str(seed):
                    print(run.story())
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
