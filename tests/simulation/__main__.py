"""Runs seeds again: `python -m tests.simulation SEED` tells the story of one, `FIRST-LAST` what came of many."""

import sys
from collections import Counter

from .cases import draw
from .runs import simulate
from .seeds import many, one


def main(word: str) -> int:
    """1 if a seed failed."""
    first, _, last = word.partition("-")
    if not last:
        result = one(int(first))
        print(f"seed {first}: {result.failed or 'ends well'}\nfaults: {', '.join(sorted(draw(int(first)).kinds))}")
        if not result.failed:
            print(simulate(draw(int(first))).story())
        return bool(result.failed)
    happened: Counter[str] = Counter()
    seconds, failed = 0.0, 0
    for result in many(range(int(first), int(last) + 1)):
        happened.update(result.happened)
        seconds += result.seconds
        if result.failed:
            failed += 1
            print(result.failed, flush=True)
    for what, count in sorted(happened.items()):
        print(f"{count:7} {what}")
    print(f"{failed} failed; {seconds / (int(last) + 1 - int(first)):.3f} s of a processor for each")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
