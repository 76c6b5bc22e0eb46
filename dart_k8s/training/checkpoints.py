"""Checkpoints in the store: names, the mark that says one is whole, which to resume from, which to delete.

checkpoints/STEP/...              files, STEP with eight digits
checkpoints/STEP/nodes/RANK.json  what one node has uploaded
checkpoints/STEP/COMPLETE.json    last: only with it the checkpoint counts
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dart_k8s.errors import CheckpointUnusable

CHECKPOINTS = "checkpoints/"
MODEL = "model/"
COMPLETE = "COMPLETE.json"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What COMPLETE.json says."""

    step: int
    processes: int
    """Ranks that wrote it."""
    stage: int = 0
    """ZeRO stage."""
    digest: str
    """Of what a Training may not change."""
    files: Mapping[str, int] = field(default_factory=dict)
    """Bytes by name, below the checkpoint."""

    def encode(self) -> bytes:
        """As JSON."""
        document = {
            "version": VERSION,
            "step": self.step,
            "processes": self.processes,
            "stage": self.stage,
            "digest": self.digest,
            "files": dict(sorted(self.files.items())),
        }
        return json.dumps(document, indent=1).encode()

    @classmethod
    def decode(cls, data: bytes, where: str) -> "Mark":
        """What `encode` gave; CheckpointUnusable for anything else."""
        try:
            value = json.loads(data)
            if value["version"] != VERSION:
                raise CheckpointUnusable(
                    f"Cannot use {where}: its format is {value['version']}, this program knows {VERSION}.",
                    remedy="Use the newer program that wrote it.",
                )
            return cls(
                step=int(value["step"]),
                processes=int(value["processes"]),
                stage=int(value["stage"]),
                digest=str(value["digest"]),
                files={str(name): int(size) for name, size in value["files"].items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointUnusable(
                f"Cannot use the checkpoint {where}: its mark can't be read ({error!r}).", remedy=f"Delete {where}."
            ) from error


def folder(step: int) -> str:
    """Prefix of a checkpoint's objects."""
    return f"{CHECKPOINTS}{step:08d}/"


def mark_key(step: int) -> str:
    """The object that says that it is whole."""
    return folder(step) + COMPLETE


def step_of(key: str) -> int | None:
    """The step of the checkpoint that an object belongs to; None for other objects."""
    name = key.removeprefix(CHECKPOINTS).partition("/")[0]
    return int(name) if key.startswith(CHECKPOINTS) and len(name) == 8 and name.isdigit() else None


def complete_steps(keys: Iterable[str]) -> list[int]:
    """Steps of whole checkpoints among the keys of a store, ascending."""
    return sorted({step for key in keys if (step := step_of(key)) is not None and key == mark_key(step)})


def all_steps(keys: Iterable[str]) -> list[int]:
    """Steps of all checkpoints, whole or not, ascending."""
    return sorted({step for key in keys if (step := step_of(key)) is not None})


def to_prune(complete: Sequence[int], keep: int) -> list[int]:
    """Whole checkpoints that are not among the `keep` newest."""
    return sorted(complete)[: -keep or None] if len(complete) > keep else []


def check(mark: Mark, *, digest: str, processes: int, stage: int, where: str) -> None:
    """CheckpointUnusable unless a Training of this digest can go on from it with so many processes.

    Under ZeRO every rank keeps its own part of the optimiser's state, which fits the same number of ranks only. Without
    it the state is whole, and the data of a step do not depend on how many ranks share it.
    """
    if mark.digest != digest:
        raise CheckpointUnusable(
            f"Cannot go on from {where}: it was written by another Training or another recipe.",
            remedy="Go back to the old recipe, or give this Training an output of its own.",
        )
    if mark.stage != stage:
        raise CheckpointUnusable(
            f"Cannot go on from {where}: it was written with ZeRO stage {mark.stage}, this is stage {stage}.",
            remedy="Go back to the old stage, or give this Training an output of its own.",
        )
    if stage > 0 and mark.processes != processes:
        raise CheckpointUnusable(
            f"Cannot go on from {where} with {processes} processes: with ZeRO stage {stage} each of the "
            f"{mark.processes} that wrote it keeps its own part of the optimiser's state.",
            remedy=f"Use nodes x processesPerNode = {mark.processes} again, or another output.",
        )


__all__ = [
    "CHECKPOINTS",
    "COMPLETE",
    "MODEL",
    "Mark",
    "all_steps",
    "check",
    "complete_steps",
    "folder",
    "mark_key",
    "step_of",
    "to_prune",
]
