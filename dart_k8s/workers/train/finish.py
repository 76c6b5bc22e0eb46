"""The end of a Training: the saved model is loaded again, described and uploaded; its mark comes last."""

import asyncio
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dart_k8s import __version__
from dart_k8s.edges.store import Store
from dart_k8s.edges.training.scripted import ScriptedTrainer
from dart_k8s.errors import TrainingFailed
from dart_k8s.training.checkpoints import COMPLETE, MODEL

from . import card, curve

if TYPE_CHECKING:
    from .supervise import Supervisor

REPORT = "report/training.json"


async def finish(supervisor: "Supervisor") -> None:
    """Verify, describe, upload, mark. TrainingFailed if the saved model is not the trained one."""
    folder = supervisor.work / "model"
    await supervisor.say_phase("verifying")
    supervisor.tell("step", step="loading the saved model again", where=str(folder))
    verified = await verify(folder, scripted=isinstance(supervisor.trainer, ScriptedTrainer))
    await asyncio.to_thread(_publish, supervisor, folder, verified)
    await supervisor.say_phase("complete")
    await asyncio.to_thread(shutil.rmtree, supervisor.work, ignore_errors=True)


async def verify(folder: Path, *, scripted: bool = False) -> Mapping[str, Any]:
    """Load the model in a process of its own, which gives all memory back; what it found."""
    command = [sys.executable, "-m", "dart_k8s.workers.train.rank", "--verify", str(folder)]
    command += ["--scripted", "0"] if scripted else []
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, errors = await process.communicate()
    for line in out.splitlines():
        try:
            facts = json.loads(line)
        except ValueError:
            continue
        if facts.get("event") == "verified":
            return {name: value for name, value in facts.items() if name != "event"}
        if facts.get("event") == "error":
            raise TrainingFailed(str(facts["message"]), remedy=str(facts["remedy"]))
    said = errors.decode("utf-8", "replace").strip().splitlines()[-3:]
    raise TrainingFailed(
        f"The saved model could not be loaded again (exit code {process.returncode}): {' | '.join(said)}"
    )


def _publish(supervisor: "Supervisor", folder: Path, verified: Mapping[str, Any]) -> None:
    store: Store = supervisor.store
    found, progress = supervisor.prepared.record, supervisor.progress
    shutil.copy(supervisor.work / "student" / "dart.json", folder / "dart.json")
    report = {
        "version": 1,
        "program": __version__,
        "declaration": found.declaration,
        "model": {"revision": found.model_revision, "parameters": found.parameters},
        "data": {"revision": found.data_revision, "provenance": found.provenance},
        "plan": found.plan.to_dict(),
        "processes": supervisor.group.processes,
        "division": {
            "perProcess": supervisor.division.at_once, "accumulation": supervisor.division.accumulation,
        },
        "device": progress.device,
        "engine": progress.engine,
        "tokens": progress.tokens,
        "tokensPerSecond": progress.tokens / progress.busy if progress.busy else None,
        "dataWaitSeconds": progress.waited,
        "busySeconds": progress.busy,
        "mfu": progress.mfu,
        "attempts": progress.attempt,
        "loss": [[step, loss] for step, loss in progress.curve],
        "verified": verified,
    }  # fmt: skip
    (folder / "README.md").write_text(card.card(supervisor.training, report, command=supervisor.command), "utf-8")
    picture = supervisor.work / "loss.png"
    if curve.draw(progress.curve, picture, supervisor.training.metadata.name):
        store.upload(picture, "report/loss.png")
    for path in sorted((supervisor.work / "tensorboard").rglob("*")):
        if path.is_file():
            store.upload(path, f"report/tensorboard/{path.name}")
    store.put(REPORT, json.dumps(report, indent=1).encode())
    files = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        store.upload(path, MODEL + name)
        files[name] = path.stat().st_size
    mark = {"version": 1, "step": found.plan.steps, "digest": found.digest, "files": files, "verified": verified}
    store.put(MODEL + COMPLETE, json.dumps(mark, indent=1).encode())


__all__ = ["REPORT", "finish", "verify"]
