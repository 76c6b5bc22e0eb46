"""The facts about a Training, sorted."""

from collections.abc import Mapping
from typing import Any

from dart_k8s.reconcile.view import View
from dart_k8s.reconcile.wishes import TrainingWishes, training_wishes

PROGRESS = "state/progress.json"
"""Object of the output in which rank 0 says how far it is."""


class TrainingView(View):
    """Of a Training."""

    wishes: TrainingWishes

    def _wishes(self) -> TrainingWishes:
        return training_wishes(self.facts.object)

    @property
    def progress(self) -> Mapping[str, Any] | None:
        """What rank 0 said last; None: nothing that is known of."""
        found = self.facts.found
        return found.object if found is not None and found.key == PROGRESS else None


__all__ = ["PROGRESS", "TrainingView"]
