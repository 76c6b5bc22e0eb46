"""The real trainer. What it needs is imported when it is used: torch takes seconds."""

from collections.abc import Mapping
from pathlib import Path

from dart_k8s.edges.training.base import Command, Group, Job, Tell
from dart_k8s.errors import SpecError


class TrlTrainer:
    """See `Trainer`."""

    def command(self, job: Path, group: Group, *, deepspeed: bool) -> Command:
        """See `Trainer`."""
        from dart_k8s.edges.training.launching import command

        return command(job, group, deepspeed=deepspeed)

    def train(self, job: Job, tell: Tell) -> None:
        """See `Trainer`. SpecError if a package is missing."""
        try:
            from dart_k8s.edges.training.sft import train
        except ModuleNotFoundError as error:
            raise SpecError(
                f"Cannot train: the package '{error.name}' is not installed.", remedy="Install dart-k8s[trainer]."
            ) from error
        train(job, tell)

    def verify(self, folder: Path) -> Mapping[str, object]:
        """See `Trainer`."""
        from dart_k8s.edges.training.loading import verify

        return verify(folder, folder.with_name("expected.json"))


__all__ = ["TrlTrainer"]
