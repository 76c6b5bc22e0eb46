"""`kubectl dart logs`: what the pods of a Synthesis wrote, from themselves or, once they are gone, from the store."""

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated

import typer

from dart_k8s.edges.cluster import Object
from dart_k8s.edges.cluster.resources import PODS
from dart_k8s.edges.store import Store, open_store
from dart_k8s.errors import ClusterUnavailable, ObjectNotFound, ObjectRefused, SpecError
from dart_k8s.ledger.keys import LOGS
from dart_k8s.names import CONTAINER, LABELS, STAGE, Stage

from .log_streams import follow_pods
from .reaching import (
    NAMED,
    ContextOption,
    KubeconfigOption,
    NamespaceOption,
    Reach,
    every,
    find,
    in_words,
    named,
    reach,
)
from .stored import from_here, uri_of
from .words import listed, plain

__all__ = ["live", "logs", "show", "stored"]

MOST_PODS = 20
"""Pods whose logs are shown at once, the newest; more are for --pod, or for a log collector."""
TAIL = 100

Say = Callable[[str], None]


def logs(
    target: Annotated[str, typer.Argument(help=f"{NAMED} Or the URI of an output, for stored logs alone.")],
    stage: Annotated[str | None, typer.Option(help=f"Only pods of one stage: {', '.join(Stage)}.")] = None,
    pod: Annotated[str | None, typer.Option(help="Only the pod of this name.")] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as lines come, with pods that start later, until the end.")
    ] = False,
    tail: Annotated[int, typer.Option(help="Last lines of each pod; 0: all of them.", min=0)] = TAIL,
    from_store: Annotated[
        bool, typer.Option("--stored", help="From the store, also where pods are there: has those that are gone.")
    ] = False,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Show the logs of the pods of an object: live, or from the store after the pods are gone.

    The store is read with this machine's credentials.
    """
    if stage is not None and stage not in tuple(Stage):
        raise SpecError(f"There is no stage {stage!r}.", remedy=f"There are {', '.join(Stage)}.")
    if "/" in named(target)[1]:
        if follow:
            raise SpecError("--follow is about pods, and an output has none.", remedy="Give the name of a Synthesis.")
        _print(stored(open_store(target), "", stage=stage, pod=pod, tail=tail, say=_note), _out)
        return
    place = reach(namespace, context, kubeconfig)
    with in_words(place):
        show(place, target, stage=stage, pod=pod, follow=follow, tail=tail, from_store=from_store, out=_out, say=_note)


def show(
    place: Reach,
    name: str,
    *,
    stage: str | None,
    pod: str | None,
    follow: bool,
    tail: int,
    from_store: bool,
    out: Say,
    say: Say,
) -> None:
    """Print the logs; `say` takes what is no log line."""
    item = find(place, name)
    word, name = name, str(item["metadata"]["name"])
    if follow:
        follow_pods(
            place,
            word,
            lambda found: chosen(found, stage, pod),
            tail=tail,
            most=1 if pod else MOST_PODS,
            only=pod is not None,
            out=out,
            say=say,
        )
        return
    if not from_store:
        labels = f"{LABELS[item['kind']]}={name}" + (f",{STAGE}={stage}" if stage else "")
        there = chosen(every(place, PODS, place.namespace, labels), stage, pod)
        if there:
            _print(live(place, there, tail=tail, say=say), out)
            return
        say("There are no such pods (any more): this is what they left in the store.")
    with from_here(item, "the logs"):
        _print(stored(open_store(uri_of(item)), name, stage=stage, pod=pod, tail=tail, say=say), out)


def chosen(pods: Iterable[Object], stage: str | None, pod: str | None) -> list[Object]:
    """Pods that are asked for and have begun, the oldest first."""
    found = [
        item
        for item in pods
        if pod in (None, item["metadata"]["name"])
        and stage in (None, (item["metadata"].get("labels") or {}).get(STAGE))
        and (item.get("status") or {}).get("phase", "Pending") != "Pending"
    ]
    return sorted(found, key=lambda item: (item["metadata"].get("creationTimestamp") or "", item["metadata"]["name"]))


def live(place: Reach, pods: list[Object], *, tail: int, say: Say) -> Iterator[str]:
    """Lines of the newest of these pods, each with its pod's name if there are several."""
    if len(pods) > MOST_PODS:
        say(f"{len(pods)} pods: only the newest {MOST_PODS} are shown. --pod or --stage chooses.")
        pods = pods[-MOST_PODS:]
    for item in pods:
        name = item["metadata"]["name"]
        prefix = f"[{name}] " if len(pods) > 1 else ""
        try:
            lines = place.cluster.logs(str(place.namespace), name, container=CONTAINER, tail=tail or None)
            yield from (prefix + line.decode(errors="replace") for line in lines)
        except (ObjectNotFound, ObjectRefused) as error:
            say(f"[{name}] has no log: {error.message}")
        except ClusterUnavailable as error:
            say(f"[{name}] can't be read to its end (--stored has what it left in the store): {error.message}")


def stored(store: Store, name: str, *, stage: str | None, pod: str | None, tail: int, say: Say) -> Iterator[str]:
    """Lines of logs under an output, pod after pod."""
    parts: dict[str, list[str]] = {}
    for entry in store.list(LOGS):
        # POD-NONCE: a pod that began anew under the same name has another log.
        whose = entry.key.removeprefix(LOGS).partition("/")[0]
        of_stage = stage is None or f"-{stage}-" in whose.removeprefix(name)
        if of_stage and pod in (None, whose, whose.rpartition("-")[0]):
            parts.setdefault(whose, []).append(entry.key)
    if not parts:
        what = f"pod {pod}" if pod else f"{stage} pods" if stage else "pods"
        raise SpecError(
            f"There are no logs of {what} in {store.uri}/{LOGS}.",
            remedy="Pods leave them there as they run. One that never reached the store left no more than its last "
            "words: `dart explain` shows them.",
        )
    names = sorted(parts)
    if len(names) > MOST_PODS:
        say(f"{len(names)} pods: only {MOST_PODS} are shown. --pod chooses: {listed(names)}.")
        names = names[:MOST_PODS]
    for whose in names:
        prefix = f"[{whose}] " if len(names) > 1 else ""
        yield from (prefix + line for line in _last(store, parts[whose], tail))


def _last(store: Store, keys: list[str], tail: int) -> Iterable[str]:
    """The last lines over several parts; no more parts are read than that takes."""
    kept: deque[str] = deque()
    for key in sorted(keys, reverse=True):
        lines = store.get(key).data.decode(errors="replace").splitlines()
        kept.extendleft(reversed(lines))
        if tail and len(kept) >= tail:
            break
    return list(kept)[-tail:] if tail else kept


def _print(lines: Iterable[str], out: Say) -> None:
    for line in lines:
        out(line)


def _out(line: str) -> None:
    # A log can hold what a model wrote: no escape sequence of it reaches a terminal.
    typer.echo(plain(line) if sys.stdout.isatty() else line)


def _note(text: str) -> None:
    typer.echo(text, err=True)
