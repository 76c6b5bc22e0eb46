"""Does a response end in an answer equal to the reference?

    from dart_k8s.answers import check
    check("... so we get $\\\\boxed{\\\\frac{2}{4}}$.", "1/2").verdict   # "correct"

Needs SymPy and nothing else of the platform. No text is ever evaluated; no answer can hang or kill the caller. What
equals what, and why, is written in docs/answers.md.
"""

from dart_k8s.answers.decide import check_reference, decide, read_reference
from dart_k8s.answers.extract import find_answer
from dart_k8s.answers.normalise import normal_answer, normalise_response, text_hash
from dart_k8s.answers.verdict import VERSION, Policy, Verdict

__all__ = [
    "VERSION",
    "Policy",
    "Verdict",
    "check",
    "check_reference",
    "find_answer",
    "normal_answer",
    "normalise_response",
    "read_reference",
    "text_hash",
]

_DEFAULT_POLICY = Policy()


def check(response: str, reference: str, query: str | None = None, *, policy: Policy = _DEFAULT_POLICY) -> Verdict:
    """The verdict on one response.

    Most are decided in this process within a fraction of a millisecond. What needs computer algebra goes to a child
    process with a deadline and a memory limit, started at first need and shared by all threads (`pool.default`).
    Never raises on any text.
    """
    outcome = decide(response, reference, query, policy=policy)
    if isinstance(outcome, Verdict):
        return outcome
    from dart_k8s.answers import pool  # only here: most programs never need a child

    return pool.default().check(response, reference, query, policy=policy)
