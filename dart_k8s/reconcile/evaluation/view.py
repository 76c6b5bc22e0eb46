"""The facts about an Evaluation, sorted."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from dart_k8s.api import Prompt, Synthesis
from dart_k8s.api.passes import passes
from dart_k8s.reconcile.facts import Facts, Reference
from dart_k8s.reconcile.references import made
from dart_k8s.reconcile.view import View
from dart_k8s.reconcile.wishes import EvaluationWishes, declared_evaluation, evaluation_wishes

RECORD = "state/evaluation.json"
"""Object of the output in which prepare says what it found: the template in force, the model as it was pinned."""
SUMMARY = "state/summary.json"
"""Object of the output in which scoring says what a status shows."""


class EvaluationView(View):
    """Of an Evaluation."""

    wishes: EvaluationWishes

    def _wishes(self) -> EvaluationWishes:
        return evaluation_wishes(self.facts.object)

    @property
    def record(self) -> Mapping[str, Any] | None:
        """What prepare found; None: not known, or not there."""
        return self._read(RECORD)

    @property
    def summary(self) -> Mapping[str, Any] | None:
        """The scores; None: not known, or not there."""
        return self._read(SUMMARY)

    def looked_for(self, key: str, since: float) -> bool:
        """Whether an object was read, or found missing, after a moment."""
        found = self.facts.found
        return found is not None and found.key == key and self.facts.found_at >= since

    def _read(self, key: str) -> Mapping[str, Any] | None:
        found = self.facts.found
        return found.object if found is not None and found.key == key else None

    @property
    def made(self) -> list[Reference]:
        """The Syntheses of its passes that there are, the first one first."""
        ours = {r.name: r for r in self.facts.references if r.kind == "Synthesis" and r.owner == self.wishes.uid}
        return [ours[name] for name in made(self.facts.object) if name in ours]


def planned(facts: Facts) -> list[Synthesis]:
    """The passes, by what prepare found. Of the record only the template, the model and its revision are taken: it lies
    in the store, where others may write. Empty if it is not known, or does not say."""
    found = facts.found
    record = found.object if found is not None and found.key == RECORD else None
    if record is None:
        return []
    model, revision = record.get("model"), record.get("revision")
    try:
        return passes(
            declared_evaluation(facts.object),
            prompt=Prompt.model_validate(dict(record["prompt"]), by_alias=True, by_name=False),
            model=str(model) if model else None,
            revision=str(revision) if revision else None,
        )
    except (ValidationError, KeyError, TypeError, ValueError):
        return []


__all__ = ["RECORD", "SUMMARY", "EvaluationView", "planned"]
