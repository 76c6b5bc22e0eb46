"""The server's process: binds, starts the children, serves, and on SIGTERM drains.

What happens on SIGTERM: /readyz says no and new requests are refused (503) for `linger` seconds, in which those who
balance on this pod hear of it; what is in hand is finished, for at most `drain` seconds; then the process ends with
exit code 0. A second SIGTERM ends it at once.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import uvicorn

from dart_k8s import __version__, answers
from dart_k8s.edges.execution.base import BlockLimits
from dart_k8s.edges.execution.limits import Limits
from dart_k8s.edges.execution.sandbox import Sandbox
from dart_k8s.edges.metrics import Metrics
from dart_k8s.edges.metrics.prometheus import PrometheusMetrics
from dart_k8s.errors import EXIT_CLOSED, DartError, SpecError
from dart_k8s.reconcile.findings import Doing, finding
from dart_k8s.workers import termination
from dart_k8s.workers.checking import Checkers

from . import isolation, measures
from .application import application
from .endpoint import Endpoint
from .execute import Execute
from .logs import open_log
from .readiness import Readiness
from .verify import Verify

__all__ = ["ServerSettings", "begin", "serve"]

QUEUED_BLOCKS = 32
"""For each process: most blocks take a hundredth of a second, so this is soon worked off, and a full queue is told
before the wait is long."""
MOST_BLOCKS_BODY = 4 << 20
"""Bytes: 64 blocks of the longest, as JSON escapes them at worst."""
KEEP_ALIVE = 75
"""Seconds that an idle connection stays open: longer than clients keep one, so that it is they who close it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerSettings:
    """How a verification server works; times in seconds."""

    host: str = "127.0.0.1"
    port: int = 8080
    """0: any that is free; the log says which."""
    processes: int
    """Checkers: one a core."""
    deadline: float
    """For one question to computer algebra."""
    memory: int
    """Bytes of address space of a child for computer algebra."""
    queue_items: int = 4096
    queue_bytes: int = 128 << 20
    most_items: int = 1024
    """Of one request."""
    most_body: int = 16 << 20
    """Bytes of one request."""
    request_seconds: float = 60.0
    linger: float = 2.0
    drain: float = 25.0
    """Kubernetes kills a pod 30 s after it was told to stop, by default."""
    log_level: str = "info"
    execute: bool = False
    """Whether code is run as well."""
    unconfined: bool = False
    """Run it although this place can't confine it."""
    block_seconds: float = 10.0
    block_memory: int = 512 << 20
    """Of one session, on top of the libraries."""
    block_output: int = 3000
    """Bytes kept of what a block prints, two thirds of them from its start; a request may ask for another split."""
    sessions: int = 64
    """Held at once. One that has answered has some 20 MiB of its own, at most what `block_memory` says."""
    allow_network: bool = False
    """Run code although this pod can reach the API server or DNS."""
    isolation_seconds: float = isolation.GRACE_SECONDS
    """For how long a network may take to begin enforcing a policy."""
    scratch: str = ""
    """A folder on a small file system of its own, for places without namespaces."""


def endpoints(settings: ServerSettings, metrics: Metrics, tell: Callable[..., None]) -> list[Endpoint]:
    """Everything that is served under /v1."""
    checkers = Checkers(processes=settings.processes, deadline=settings.deadline, memory=settings.memory, tell=tell)
    verify = Verify(
        checkers,
        metrics,
        queue_items=settings.queue_items,
        queue_bytes=settings.queue_bytes,
        most_items=settings.most_items,
        most_body=settings.most_body,
        seconds=settings.request_seconds,
    )
    if not settings.execute:
        return [verify]
    third = settings.block_output // 3
    most = BlockLimits(
        seconds=settings.block_seconds,
        memory=settings.block_memory,
        head_bytes=settings.block_output - third,
        tail_bytes=third,
    )
    # Half of a request's time for running earlier blocks again; the rest for the block and for its turn.
    sandbox = Sandbox(
        Limits(
            seconds=most.seconds,
            replay_seconds=settings.request_seconds / 2,
            memory=most.memory,
            head_bytes=most.head_bytes,
            tail_bytes=most.tail_bytes,
            processes=settings.processes,
            sessions=max(settings.sessions, settings.processes),
            cpu_seconds=int(20 * settings.block_seconds) + 1,
        ),
        unconfined=settings.unconfined,
        scratch=settings.scratch,
    )
    execute = Execute(
        sandbox,
        metrics,
        tell,
        queue_items=QUEUED_BLOCKS * settings.processes,
        queue_bytes=settings.queue_bytes,
        most_body=MOST_BLOCKS_BODY,
        seconds=settings.request_seconds,
        most=most,
    )
    return [verify, execute]


def serve(settings: ServerSettings) -> int:
    """Serve until told to stop; the exit code. SpecError: the address can't be had."""
    tell = open_log(settings.log_level)
    try:
        return asyncio.run(_serve(settings, tell))
    except DartError as error:
        termination.write(finding(error, Doing.STARTING))
        raise


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, which end a process by the signal; here the exit code is a contract."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(settings: ServerSettings, tell: Callable[..., None]) -> int:
    metrics = PrometheusMetrics()
    served = endpoints(settings, metrics, tell)
    readiness = Readiness(served, tell)
    stopping = _stop_signals()
    listening = _bind(settings.host, settings.port)
    config = uvicorn.Config(
        application(served, readiness, metrics),
        # The same parts everywhere, whatever else is installed.
        http="h11",
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
    )
    server = _Server(config)
    tell(
        "serving", address=f"http://{_shown(listening)}", version=__version__, rules=answers.VERSION,
        processes=settings.processes, endpoints=[endpoint.name for endpoint in served],
    )  # fmt: skip
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="http")
    starting = asyncio.create_task(begin(readiness, settings, metrics), name="endpoints")
    stop = asyncio.create_task(stopping.wait(), name="stop")
    try:
        done, _ = await asyncio.wait({serving, starting, stop}, return_when=asyncio.FIRST_COMPLETED)
        if stop not in done:
            for task in done:
                task.result()
        await _drain(served, readiness, settings, stopping)
    finally:
        starting.cancel()
        server.should_exit = True
        server.force_exit = True
        await asyncio.gather(serving, starting, return_exceptions=True)
        stop.cancel()
        for endpoint in served:
            await endpoint.close()
    tell("stopped")
    return EXIT_CLOSED


async def begin(readiness: Readiness, settings: ServerSettings, metrics: Metrics) -> None:
    """Try the network and begin: at once where the answer changes nothing, else only after it. NotIsolated: the network
    can be reached, and code would be run."""
    if settings.execute and not settings.allow_network:
        found = await _try_network(readiness, settings, metrics)
        if found:
            raise isolation.refusal(found)
        await _work(readiness)
    else:
        await asyncio.gather(_try_network(readiness, settings, metrics), _work(readiness))


async def _try_network(readiness: Readiness, settings: ServerSettings, metrics: Metrics) -> list[str]:
    """What this pod reaches and must not; said to whoever asks. Empty outside a cluster."""
    known = isolation.targets()
    if not known:
        return []
    found = await isolation.reached(known, grace=settings.isolation_seconds)
    readiness.reached = found
    metrics.set(measures.ISOLATED, 0 if found else 1)
    readiness.tell("network", isolated=not found, reached=found)
    return found


async def _work(readiness: Readiness) -> None:
    await readiness.start()
    await readiness.watch()


async def _drain(
    served: list[Endpoint], readiness: Readiness, settings: ServerSettings, stopping: asyncio.Event
) -> None:
    """Refuse what is new, finish what is in hand."""
    readiness.draining = True
    in_hand = sum(endpoint.gate.requests for endpoint in served)
    readiness.tell("draining", requests=in_hand)
    stopping.clear()
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not stopping.is_set() and loop.time() - began < settings.drain:
        in_hand = sum(endpoint.gate.requests for endpoint in served)
        if not in_hand and loop.time() - began >= settings.linger:
            break
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await stopping.wait()
    if in_hand:
        readiness.tell("drain-cut-off", requests=in_hand, seconds=round(loop.time() - began, 1))


def _stop_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    for asked in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(asked, stopping.set)
    return stopping


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named asyncio knows that it is TCP and switches Nagle's algorithm off: 40 ms of each reply.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except (OSError, OverflowError) as error:
        listening.close()
        raise SpecError(
            f"Cannot listen on {host} port {port}: {error}.", remedy="Choose others with --host and --port."
        ) from error
    return listening


def _shown(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
