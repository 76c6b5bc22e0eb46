"""The termination message of a pod: a file that the kubelet reads when the container has ended."""

import os
from contextlib import suppress
from pathlib import Path

from dart_k8s.names import TERMINATION_LOG
from dart_k8s.reconcile.findings import Finding, encode

DEFAULT = "/dev/termination-log"
"""Where Kubernetes has it."""


def write(found: Finding) -> None:
    """Leave a finding. Best effort: outside a pod there is no such file, and the exit code says most."""
    path = Path(os.environ.get(TERMINATION_LOG, DEFAULT))
    with suppress(OSError):
        if path.parent != Path("/dev") or path.exists():
            path.write_text(encode(found), "utf-8", "replace")


__all__ = ["write"]
