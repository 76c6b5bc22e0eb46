"""The operator from its settings to its exit code."""

import signal
import threading
from types import FrameType

from dart_k8s.edges.cluster.kube import connect
from dart_k8s.edges.metrics.prometheus import PrometheusMetrics
from dart_k8s.errors import EXIT_CLOSED

from .logs import open_log
from .process import Process
from .settings import OperatorSettings

__all__ = ["run"]

LEASE_ANSWERS = 0.4
"""Of the time in which the Lease has to be renewed: so two tries fit into it."""


def run(settings: OperatorSettings) -> int:
    """Work until SIGTERM or SIGINT; the exit code. Exits with 1 at once when the Lease is lost."""
    tell = open_log(settings.log_level)
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    # Before anything that takes time: a signal in the first second ends it well, too.
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    process = Process(
        settings,
        cluster=lambda observe: connect(
            kubeconfig=settings.kubeconfig,
            context=settings.context,
            qps=settings.qps,
            burst=settings.burst,
            silence_seconds=settings.silence_seconds,
            observe=observe,
        ),
        # A client of its own: no limit or slow request of others delays a renewal.
        lease_cluster=connect(
            kubeconfig=settings.kubeconfig,
            context=settings.context,
            qps=0,
            answer_seconds=settings.lease.renew * LEASE_ANSWERS,
        ),
        metrics=PrometheusMetrics(),
        tell=tell,
    )
    process.run(stop)
    return EXIT_CLOSED
