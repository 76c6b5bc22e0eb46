"""prepare and score of an Evaluation; its passes are Syntheses with pods of their own."""

from functools import partial
from pathlib import Path

from dart_k8s.api import Evaluation
from dart_k8s.edges.store import open_store
from dart_k8s.errors import EXIT_CLOSED, SpecError
from dart_k8s.reconcile.findings import Doing
from dart_k8s.workers.evaluate import record
from dart_k8s.workers.evaluate.prepare import PrepareEvaluation
from dart_k8s.workers.evaluate.score import is_current, report_in, score
from dart_k8s.workers.stopping import unless_stopped, until_stopped

from .errand import Errand

TOLD_EVERY = 20_000
"""Responses between two lines of a log."""


async def prepare(errand: Errand, *, cache: Path, offline: bool, uid: str | None) -> int:
    """Check everything that needs data or credentials, fill the model cache, and write items and prompts."""
    evaluation = _evaluation(errand)
    work = PrepareEvaluation(cache=cache, offline=offline, tell=errand.tell, uid=uid)
    try:
        prepared = await unless_stopped(errand.stopping, partial(work.prepare, evaluation))
    finally:
        errand.doing = work.doing
    found = prepared.record
    errand.tell("prepared", items=found.items, prompts=found.prompts, template=found.template_from)
    return EXIT_CLOSED


async def score_passes(errand: Errand) -> int:
    """Judge the responses of the closed passes and write the report."""
    errand.doing = Doing.CURATING
    evaluation = _evaluation(errand)
    store = open_store(evaluation.spec.output.uri)
    found = await unless_stopped(errand.stopping, partial(record.need, store))
    # Where the intervals were changed since, it goes by what is declared now.
    found = record.continued(store, found, evaluation)
    if is_current(await unless_stopped(errand.stopping, partial(report_in, store)), found):
        errand.tell("scored", fresh=False)
        return EXIT_CLOSED
    told = 0

    def progress(done: int, total: int) -> None:
        nonlocal told
        if done - told >= TOLD_EVERY:
            told = done
            errand.tell("scoring", judged=done, responses=total)

    work = score(store, found, tell=errand.tell, progress=progress, keep_earlier=True)
    made = await until_stopped(errand.stopping, work)
    errand.tell("scored", fresh=True, benchmarks=len(made.report["benchmarks"]))
    return EXIT_CLOSED


def _evaluation(errand: Errand) -> Evaluation:
    if not isinstance(errand.document, Evaluation):
        raise SpecError(f"The declaration is of a {errand.document.kind}.", remedy="An Evaluation is wanted here.")
    return errand.document


__all__ = ["prepare", "score_passes"]
