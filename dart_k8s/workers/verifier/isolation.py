"""Whether this pod can reach what it must not: the API server, and DNS.

A NetworkPolicy is only a wish where the cluster's network does not enforce it, and nobody says so. So a verification
pod tries. Some networks enforce a policy only seconds after a pod has begun: what can be reached is tried again for a
while, and only what can be reached all the time counts.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dart_k8s.errors import NotIsolated

TRY_SECONDS = 2.0
"""For an answer."""
GRACE_SECONDS = 20.0
"""For a network to begin enforcing: plug-ins program a policy within seconds of a pod's start, some after it."""
AGAIN_SECONDS = 2.0
QUERY = (
    b"\x64\x61\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"  # id, recursion desired, one question
    b"\x0akubernetes\x07default\x03svc\x07cluster\x05local\x00\x00\x01\x00\x01"  # its name, type A, class IN
)
"""A question to a name server (RFC 1035)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What must not be reached."""

    name: str
    host: str
    port: int
    dns: bool = False
    """Asked by UDP; else connected to by TCP."""


Reach = Callable[[Target], Awaitable[bool]]


def targets_of(environment: Mapping[str, str], resolv: str) -> list[Target]:
    """What a pod could reach: by the variables that every pod has, and the text of its resolv.conf. Empty outside a
    cluster: nothing is tried there."""
    host = environment.get("KUBERNETES_SERVICE_HOST", "")
    if not host:
        return []
    port = environment.get("KUBERNETES_SERVICE_PORT", "443")
    found = [Target(name="the API server", host=host, port=int(port) if port.isdigit() else 443)]
    for line in resolv.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            found.append(Target(name="DNS", host=words[1], port=53, dns=True))
    return found


def targets() -> list[Target]:
    """Those of this process."""
    resolv = ""
    with suppress(OSError):
        resolv = Path("/etc/resolv.conf").read_text("utf-8", "replace")
    return targets_of(os.environ, resolv)


async def reach(target: Target) -> bool:
    """Whether it answers now. Refusing a connection is no answer: that may be the policy."""
    try:
        async with asyncio.timeout(TRY_SECONDS):
            return await (_ask(target) if target.dns else _connect(target))
    except (OSError, TimeoutError):
        return False


async def _connect(target: Target) -> bool:
    _, writer = await asyncio.open_connection(target.host, target.port)
    writer.close()
    return True


async def _ask(target: Target) -> bool:
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in target.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        await loop.sock_connect(asking, (target.host, target.port))
        await loop.sock_sendall(asking, QUERY)
        return len(await loop.sock_recv(asking, 512)) >= 12


async def reached(known: list[Target], *, attempt: Reach = reach, grace: float = GRACE_SECONDS) -> list[str]:
    """Names of what can be reached, all the time while the network has to begin enforcing. Empty: isolated."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + grace
    while True:
        answers = await asyncio.gather(*(attempt(target) for target in known))
        known = [target for target, answer in zip(known, answers, strict=True) if answer]
        if not known or loop.time() >= ends:
            return sorted({target.name for target in known})
        await asyncio.sleep(AGAIN_SECONDS)


def refusal(names: list[str]) -> NotIsolated:
    """Why no code is run here."""
    return NotIsolated(
        f"This pod can reach {' and '.join(names)}: the cluster's network does not enforce its NetworkPolicy, so no "
        "code of a model is run in it.",
        remedy="Use a network plug-in that enforces NetworkPolicy, or set "
        "spec.execution.requireNetworkIsolation: false (`--allow-network`): code has no sockets either way.",
    )


__all__ = ["Target", "reached", "refusal", "targets", "targets_of"]
