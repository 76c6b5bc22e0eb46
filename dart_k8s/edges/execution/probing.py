"""Trying the confinement: each promise is put to a block that would break it."""

import json
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dart_k8s.edges.execution.base import Block, Execution, Standing

if TYPE_CHECKING:
    from dart_k8s.edges.execution.base import Executor

__all__ = ["MINIMUM", "PROBES", "Probe", "try_out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """An attempt to break a promise; it holds if the block prints "kept" last, or ends in one of `outcomes`."""

    promise: str
    code: str
    outcomes: tuple[str, ...] = ()


def _each(*attempts: str) -> str:
    """A block in which every attempt must raise an OSError."""
    lines = ["import os, socket, ctypes", "broken = []"]
    for attempt in attempts:
        lines += [
            "try:",
            f"    {attempt}",
            f"    broken.append({attempt!r})",
            "except (OSError, RuntimeError):",
            "    pass",
        ]
    return "\n".join([*lines, "print(broken or 'kept')"])


PROBES = (
    Probe(
        promise="network",
        code=_each(
            "socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
            "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
            "socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)",
            "socket.socketpair()",
        ),
    ),
    Probe(
        promise="files",
        code=_each(
            "open(CANARY).read()",
            "open('/etc/passwd').read()",
            "open('/proc/self/environ').read()",
            "open('/proc/1/environ').read()",
            "os.listdir(os.path.dirname(CANARY))",
        ),
    ),
    Probe(promise="writing", code=_each("open(CANARY, 'r+')", "open(CANARY + '-new', 'w')")),
    Probe(
        promise="processes",
        code=_each("os._exit(0) if os.fork() == 0 else os.wait()", "os.execv('/bin/true', ['true'])", "os.kill(1, 9)"),
    ),
    Probe(promise="memory", code="hold = bytearray(MEMORY)\nprint('broken')", outcomes=("memory",)),
    Probe(promise="environment", code="import os\nprint('kept' if set(os.environ) <= {'HOME','LANG','TMPDIR'} else 0)"),
    Probe(promise="libraries", code="import numpy, scipy, sympy\nprint('kept')"),
)
MINIMUM = ("network", "files", "writing", "processes", "memory", "libraries")
"""What must hold: no network, no file of anybody, nothing written, no process, bounded memory."""


async def try_out(executor: "Executor", layers: Mapping[str, Any], *, memory: int) -> Standing:
    """Put every promise to the test in a session of its own. `layers` are what the zygote says of itself."""
    promises = {}
    with _canary() as canary:
        for probe in PROBES:
            head = f"CANARY = {json.dumps(str(canary))}\nMEMORY = {memory}\n"
            session = f"probe-{probe.promise}-{secrets.token_hex(8)}"
            execution = await executor.execute(Block(session=session, blocks=(head + probe.code,)))
            promises[probe.promise] = _kept(probe, execution)
    standing = Standing(layers={name: str(value or "") for name, value in layers.items()}, promises=promises)
    return replace(standing, missing=tuple(name for name in MINIMUM if not promises[name]))


@contextmanager
def _canary() -> Iterator[Path]:
    """A file that everybody may read and write, but for what confines a block."""
    try:
        with tempfile.TemporaryDirectory(prefix="dart-canary-") as folder:
            Path(folder).chmod(0o755)
            canary = Path(folder, "canary")
            canary.write_text("It sings.\n")
            canary.chmod(0o666)
            yield canary
    except FileNotFoundError:
        # Nothing can be written here at all. A file of our own may still be read; no probe changes what it opens.
        yield Path(__file__)


def _kept(probe: Probe, execution: Execution) -> bool:
    if probe.outcomes:
        return execution.outcome in probe.outcomes
    return execution.outcome == "done" and execution.text.strip() == "kept"
