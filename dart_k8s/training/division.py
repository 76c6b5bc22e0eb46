"""How a global batch is divided over processes and accumulation. Refused if it does not divide."""

from dataclasses import dataclass

from dart_k8s.errors import SpecError


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """processes x at_once x accumulation is the global batch, in packed sequences."""

    processes: int
    """Ranks over all nodes."""
    at_once: int
    """Sequences that one process holds at once."""
    accumulation: int
    """Times that it does so before the optimiser's step."""

    @property
    def batch(self) -> int:
        """Sequences of one optimiser step."""
        return self.processes * self.at_once * self.accumulation


def divide(batch: int, processes: int, at_once: int | None = None) -> Division:
    """The division of a batch; `at_once`: 1 unless given. SpecError if it leaves a rest."""
    held = at_once or 1
    if batch % (processes * held):
        fits = [n for n in range(1, batch // held + 1) if batch % (n * held) == 0]
        near = sorted(fits, key=lambda n: abs(n - processes))[:3]
        raise SpecError(
            f"Cannot divide a batch of {batch} sequences by {processes} processes x {held} at once.",
            remedy=f"Change spec.optimisation.batch or perProcess, or use {_listed(sorted(near))} processes.",
        )
    return Division(processes=processes, at_once=held, accumulation=batch // (processes * held))


def _listed(numbers: list[int]) -> str:
    return " or ".join(map(str, numbers)) or "fewer"


__all__ = ["Division", "divide"]
