"""Logs of many pods at once as they come: a thread each, and pods that start later are joined."""

import time
from collections.abc import Callable
from queue import Empty, Queue
from threading import Thread

from dart_k8s.edges.cluster import Object
from dart_k8s.edges.cluster.resources import PODS
from dart_k8s.errors import ClusterError, ClusterUnavailable
from dart_k8s.names import CONTAINER, LABELS

from .reaching import Reach, find
from .standing import ENDED, phase

__all__ = ["follow_pods"]

LOOK_SECONDS = 3.0
"""Between two looks for new pods, and for the end."""
PAGE = 500
"""Pods that a look reads at most: a run with more is followed by --pod or a log collector."""


def follow_pods(
    place: Reach,
    name: str,
    choose: Callable[[list[Object]], list[Object]],
    *,
    tail: int,
    most: int,
    only: bool = False,
    out: Callable[[str], None],
    say: Callable[[str], None],
    look_seconds: float = LOOK_SECONDS,
) -> None:
    """Print lines until the Synthesis has ended and every log that is followed has, too; of one pod `only`: it has."""
    item = find(place, name)
    label = f"{LABELS[item['kind']]}={item['metadata']['name']}"
    lines: Queue[tuple[str, str | None]] = Queue(maxsize=10_000)
    open_: set[str] = set()
    begun: set[str] = set()
    left_out = False
    ended = False
    while True:
        try:
            pods = place.cluster.list(PODS, place.namespace, labels=label, limit=PAGE).items
            fresh = [item for item in choose(pods) if item["metadata"]["uid"] not in begun]
            ended = phase(find(place, name)) in ENDED and not fresh
        except ClusterUnavailable as error:
            say(f"waiting for the cluster: {error.message}")
            fresh = []
        for item in fresh:
            if len(open_) >= most:
                if not left_out:
                    say(f"{most} pods are followed at once; others wait. --pod or --stage chooses.")
                left_out = True
                break
            begun.add(item["metadata"]["uid"])
            open_.add(item["metadata"]["name"])
            Thread(target=_read, args=(place, item["metadata"]["name"], tail, lines, say), daemon=True).start()
        _drain(lines, open_, len(begun) > 1, out, time.monotonic() + look_seconds)
        if (ended or (only and begun)) and not open_ and lines.empty():
            return


def _drain(
    lines: "Queue[tuple[str, str | None]]",
    open_: set[str],
    several: bool,
    out: Callable[[str], None],
    until: float,
) -> None:
    """Print what comes until a moment, or until the last log has ended."""
    while (left := until - time.monotonic()) > 0:
        try:
            pod, line = lines.get(timeout=left)
        except Empty:
            return
        if line is None:
            open_.discard(pod)
            if not open_ and lines.empty():
                return
        else:
            out(f"[{pod}] {line}" if several else line)


def _read(
    place: Reach, pod: str, tail: int, lines: "Queue[tuple[str, str | None]]", say: Callable[[str], None]
) -> None:
    try:
        for line in place.cluster.logs(str(place.namespace), pod, container=CONTAINER, follow=True, tail=tail or None):
            lines.put((pod, line.decode(errors="replace")))
    except ClusterError as error:
        say(f"[{pod}] ends here: {error.message}")
    finally:
        lines.put((pod, None))
