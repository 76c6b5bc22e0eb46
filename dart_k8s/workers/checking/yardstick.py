"""Math-Verify as a checker: the same lines in and out, for comparisons only. The one importer of that package.

It is called as its documentation says: LaTeX, then plain expressions, boxes first; a bare reference is put between
dollar signs. Its own time limits use signals, so they work here, in a main thread; what they miss is killed from
outside.
"""

import json
import logging
import os
import sys
from typing import Any

MOST_SHOWN = 300
"""Characters of its answer that are kept."""


def main(*_: object) -> None:
    """Serve on the standard pipes until the input ends."""
    source, target = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    import math_verify

    logging.disable(logging.CRITICAL)
    sys.set_int_max_str_digits(0)
    config = [math_verify.LatexExtractionConfig(), math_verify.ExprExtractionConfig()]
    with os.fdopen(source, "rb") as lines, os.fdopen(target, "wb", buffering=0) as replies:
        replies.write(json.dumps({"ready": os.getpid()}).encode() + b"\n")
        for line in lines:
            number, response, reference, *_rest = json.loads(line)
            verdict, answer, reason = judge(math_verify, config, response, reference)
            replies.write(json.dumps([number, verdict, answer, "math-verify", reason, 0]).encode() + b"\n")
    os._exit(0)


def judge(math_verify: Any, config: list[Any], response: str, reference: str) -> tuple[str, str | None, str]:
    """Verdict, answer and reason for one response."""
    try:
        bare = "$" not in reference and "\\boxed" not in reference
        gold = math_verify.parse(f"${reference}$" if bare else reference, config)
        found = math_verify.parse(response, config)
        answer = str(found[-1])[:MOST_SHOWN] if found else None
        right = bool(found) and bool(math_verify.verify(gold, found))
        return ("correct" if right else "incorrect"), answer, "" if found else "nothing extracted"
    except Exception as error:
        return "undecided", None, type(error).__name__
