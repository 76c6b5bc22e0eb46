"""Where a client stands: which kubeconfig, context and namespace."""

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["HOME_KUBECONFIG", "POD_NAMESPACE", "Whereabouts", "is_there"]

HOME_KUBECONFIG = Path("~/.kube/config")
POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where a client stands, as kubectl sees it."""

    kubeconfig: str
    """File, or several with colons between them; empty: in a pod, by its service account."""
    context: str
    namespace: str


def is_there(files: str) -> bool:
    """Whether one of the kubeconfigs exists."""
    return any(Path(file).expanduser().is_file() for file in files.split(os.pathsep) if file)
