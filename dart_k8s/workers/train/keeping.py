"""Checkpoints between this machine and the store: uploaded, marked when whole, pruned, fetched to go on from."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dart_k8s.edges.store import Store
from dart_k8s.errors import CheckpointUnusable, NotFound, StoreUnavailable
from dart_k8s.training import checkpoints
from dart_k8s.training.checkpoints import Mark

POLL_SECONDS = 0.5
NODES_SECONDS = 900.0
"""In which all nodes must have uploaded their part of a checkpoint."""


@dataclass(slots=True, kw_only=True)
class Keeper:
    """Keeps the checkpoints of one Training. Methods block; the supervisor calls them in threads."""

    store: Store
    digest: str
    processes: int
    stage: int
    nodes: int = 1
    node: int = 0
    keep: int = 2
    sleep: Callable[[float], None] = field(default=time.sleep)

    def newest(self) -> Mark | None:
        """The newest whole checkpoint, None if there is none. CheckpointUnusable if it does not fit this Training."""
        steps = checkpoints.complete_steps(entry.key for entry in self.store.list(checkpoints.CHECKPOINTS))
        if not steps:
            return None
        key = checkpoints.mark_key(steps[-1])
        where = f"{self.store.uri}/{checkpoints.folder(steps[-1]).rstrip('/')}"
        mark = Mark.decode(self.store.get(key).data, where)
        checkpoints.check(mark, digest=self.digest, processes=self.processes, stage=self.stage, where=where)
        return mark

    def fetch(self, mark: Mark, folder: Path) -> None:
        """Bring a whole checkpoint here. CheckpointUnusable if a file is not as its mark says."""
        prefix = checkpoints.folder(mark.step)
        for name, size in mark.files.items():
            target = folder / name
            try:
                self.store.download(prefix + name, target)
            except NotFound as error:
                raise self._damaged(mark, f"'{name}' is gone") from error
            if target.stat().st_size != size:
                raise self._damaged(mark, f"'{name}' has {target.stat().st_size} bytes, its mark says {size}")

    def _damaged(self, mark: Mark, says: str) -> CheckpointUnusable:
        where = f"{self.store.uri}/{checkpoints.folder(mark.step).rstrip('/')}"
        return CheckpointUnusable(
            f"Cannot go on from {where}: {says}.",
            remedy=f"Delete {where}: the one before it is used then.",
        )

    def put(self, step: int, folder: Path) -> None:
        """Upload this node's part; on node 0 wait for the others, mark the checkpoint as whole, and prune."""
        prefix = checkpoints.folder(step)
        files = {}
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = path.relative_to(folder).as_posix()
            self.store.upload(path, prefix + name)
            files[name] = path.stat().st_size
        self.store.put(f"{prefix}nodes/{self.node}.json", json.dumps(files).encode())
        if self.node == 0:
            mark = Mark(
                step=step, processes=self.processes, stage=self.stage, digest=self.digest, files=self._gather(prefix)
            )
            self.store.put(checkpoints.mark_key(step), mark.encode())
            self.prune()

    def _gather(self, prefix: str) -> dict[str, int]:
        files: dict[str, int] = {}
        left = NODES_SECONDS
        for node in range(self.nodes):
            while self.store.head(f"{prefix}nodes/{node}.json") is None:
                if left <= 0:
                    raise StoreUnavailable(
                        f"Node {node} has not uploaded its part of {self.store.uri}/{prefix} for {NODES_SECONDS:g} s."
                    )
                self.sleep(POLL_SECONDS)
                left -= POLL_SECONDS
            files |= json.loads(self.store.get(f"{prefix}nodes/{node}.json").data)
        return files

    def prune(self) -> None:
        """Delete whole checkpoints beyond those to keep: the mark first, so that half of one never counts."""
        steps = checkpoints.complete_steps(entry.key for entry in self.store.list(checkpoints.CHECKPOINTS))
        for step in checkpoints.to_prune(steps, self.keep):
            self._delete(step)

    def sweep(self) -> list[int]:
        """Delete what has no mark: nobody writes it any more when the next holder begins. Their steps."""
        keys = [entry.key for entry in self.store.list(checkpoints.CHECKPOINTS)]
        whole = set(checkpoints.complete_steps(keys))
        halves = [step for step in checkpoints.all_steps(keys) if step not in whole]
        for step in halves:
            self._delete(step)
        return halves

    def _delete(self, step: int) -> None:
        self.store.delete(checkpoints.mark_key(step))
        self.store.delete_prefix(checkpoints.folder(step))


__all__ = ["Keeper"]
