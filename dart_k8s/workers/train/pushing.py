"""The finished model in a repository at a hub, where the declaration asks for one.

It goes there from the store, once `model/COMPLETE.json` is there: a hub that fails costs no training, and the same
command tries it again. `state/pushed.json` says that it is done.
"""

import json
import tempfile
from pathlib import Path

from dart_k8s.api import Training
from dart_k8s.edges.hub import has_token, push_folder
from dart_k8s.edges.store import Store
from dart_k8s.errors import AccessDenied
from dart_k8s.training.checkpoints import COMPLETE, MODEL
from dart_k8s.workers.access import Tell

PUSHED = "state/pushed.json"


def check(training: Training) -> None:
    """AccessDenied if a model is to be pushed and there is no token: before anything is paid for."""
    push = training.spec.push
    if push is not None and not has_token():
        raise AccessDenied(
            f"Cannot push the model of '{training.metadata.name}' to {push.repository} when it is trained: there is no "
            "token for the hub.",
            remedy="Set HF_TOKEN where the trainers run (spec.trainers.env from a Secret), or remove spec.push.",
        )


def push_model(training: Training, store: Store, tell: Tell) -> None:
    """Push the complete model, if that is asked for and not done. Raises what the hub and the store raise."""
    push = training.spec.push
    if push is None or store.head(PUSHED) is not None:
        return
    tell("step", step="pushing the model to", where=push.repository)
    files = json.loads(store.get(MODEL + COMPLETE).data)["files"]
    with tempfile.TemporaryDirectory(prefix="dart-push-") as temporary:
        folder = Path(temporary)
        for name in files:
            near = store.local_path(MODEL + name)
            if near is None:
                store.download(MODEL + name, folder / name)
            else:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).symlink_to(near.absolute())
        address = push_folder(folder, push.repository, private=push.private, kind="model")
    store.put(PUSHED, json.dumps({"version": 1, "address": address}).encode())
    tell("step", step="the model is at", where=address)


__all__ = ["PUSHED", "check", "push_model"]
