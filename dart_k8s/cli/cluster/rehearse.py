"""`dart rehearse`: whether an installation works: made-up problems, a scripted engine, and everything else as it is."""

import json
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any

import typer

from dart_k8s.edges.cluster import Object
from dart_k8s.edges.cluster.resources import CONFIG_MAPS, SYNTHESES
from dart_k8s.errors import ClusterUnavailable, ObjectNotFound, RunError
from dart_k8s.names import GROUP, LONGEST_NAME, VERSION

from .reaching import ContextOption, KubeconfigOption, NamespaceOption, Reach, in_words, reach
from .words import one_line

__all__ = ["PROBLEMS", "problems", "rehearse", "rehearsed", "synthesis"]

PROBLEMS = 20
RATES = (0.9, 0.7, 0.5, 0.3)
"""Pass rates of the problems in turn: easy and hard ones, and none that takes long."""
FOLDER = "/etc/rehearsal"
"""Where pods find the script."""
LEAVES = 60.0
"""Seconds in which its objects and its output must be gone afterwards."""
PAUSE = 1.0
"""Seconds between two looks."""


def rehearse(
    output: Annotated[str, typer.Option(help="Where it may write: s3://BUCKET/FOLDER. It deletes what it wrote.")],
    name: Annotated[str, typer.Option(help="Name of its Synthesis and ConfigMap.")] = "dart-rehearsal",
    seconds: Annotated[float, typer.Option(help="Time that it has.", min=1)] = 180.0,
    service_account: Annotated[
        str, typer.Option(help="Service account of its pods that reach the store. Default: the installation's.")
    ] = "",
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything there, to look at.")] = False,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """See whether an installation works: 20 made-up problems, a scripted engine, the real store, no download.

    `helm test` runs it. Exit code 1: it did not become Complete in time; the conditions that say why are shown.
    """
    if len(name) > LONGEST_NAME:
        raise typer.BadParameter(f"at most {LONGEST_NAME} characters", param_hint="--name")
    place = reach(namespace, context, kubeconfig)
    with in_words(place):
        made = synthesis(name, f"{output.rstrip('/')}/{uuid.uuid4().hex[:12]}", service_account)
        rehearsed(place, name, made, seconds=seconds, keep=keep, say=typer.echo)


def problems(name: str) -> dict[str, Any]:
    """The ConfigMap: problems, and the script that answers them."""
    rows = [
        {"id": f"sum-{n}", "query": f"What is {n} + {n + 1}?", "answer": str(2 * n + 1)} for n in range(1, PROBLEMS + 1)
    ]
    scripts = [
        {"match": row["query"], "p": RATES[n % len(RATES)], "answer": row["answer"], "tokens": 20}
        for n, row in enumerate(rows)
    ]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": {
            "queries.jsonl": "".join(json.dumps(row) + "\n" for row in rows),
            "script.json": json.dumps({"version": 1, "scripts": scripts}),
        },
    }


def synthesis(name: str, output: str, service_account: str = "", *, folder: str = FOLDER) -> dict[str, Any]:
    """The declaration: all stages of a run, in small pods and with short waits. `folder`: where the script is."""
    account = {"serviceAccountName": service_account} if service_account else {}
    small = {"resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "2Gi"}}}
    scripted = {
        **small,
        **account,
        "volumes": [{"name": "script", "configMap": {"name": name}}],
        "volumeMounts": [{"name": "script", "mountPath": folder, "readOnly": True}],
    }
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "Synthesis",
        "metadata": {"name": name},
        "spec": {
            "queries": [{"name": "sums", "configMap": {"name": name}, "fields": {"id": "id"}}],
            "engine": {
                "kind": "scripted",
                "script": f"{folder}/script.json",
                "slots": 8,
                "args": {"seconds_per_token": 0.001},
            },
            "prompt": {"inline": "Problem: {query}\nSolution:"},
            "sampling": {"temperature": 1.0, "maxTokens": 200},
            "strategy": {"kind": "uniform", "target": 3},
            # So many that chance leaves no problem without its three.
            "budget": {"maxTrialsPerQuery": 400},
            # A run is sealed one time to live after its last claim.
            "claims": {"heartbeatSeconds": 2, "ttlSeconds": 6},
            "flush": {"seconds": 1},
            "samplers": {**scripted, "replicas": 1, "sharedMemory": "64Mi"},
            "prepare": scripted,
            "verifiers": {**small, "replicas": 1, "processes": 1},
            "curate": {**small, **account},
            "deletionPolicy": "Delete",
            "output": {"uri": output},
        },
    }


def rehearsed(
    place: Reach,
    name: str,
    declared: Object,
    *,
    seconds: float,
    keep: bool,
    say: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Carry it out and clear it away. RunError: it failed, took too long, or left something behind."""
    space, cluster = str(place.namespace), place.cluster

    def gone(within: float) -> None:
        """The Synthesis, its output before it; and only then its problems, which the pod that deletes still mounts."""
        with suppress(ObjectNotFound):
            cluster.delete(SYNTHESES, space, name)
        ends = clock() + within
        while _there(place, name):
            if clock() > ends:
                raise RunError(
                    f"Synthesis {space}/{name} is still being deleted after {within:.0f} s.",
                    remedy=f"kubectl -n {space} describe synthesis {name} says why.",
                )
            sleep(PAUSE)
        with suppress(ObjectNotFound):
            cluster.delete(CONFIG_MAPS, space, name)

    gone(LEAVES)  # of one that was killed
    began = clock()
    cluster.create(CONFIG_MAPS, space, problems(name))
    cluster.create(SYNTHESES, space, declared)
    say(f"Synthesis {space}/{name}: {PROBLEMS} problems, into {declared['spec']['output']['uri']}")
    try:
        _awaited(place, name, ends=began + seconds, say=say, clock=clock, sleep=sleep)
        say(f"Complete after {clock() - began:.0f} s.")
    finally:
        if not keep:
            gone(LEAVES)
            say("Everything that it made is deleted.")


def _awaited(
    place: Reach,
    name: str,
    *,
    ends: float,
    say: Callable[[str], None],
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> None:
    shown = ""
    while True:
        status: dict[str, Any] = {}
        with suppress(ClusterUnavailable):
            status = place.cluster.get(SYNTHESES, place.namespace, name).get("status") or {}
        phase, progress = status.get("phase", ""), status.get("progress") or {}
        now = one_line(f"{phase or 'not seen by an operator yet'}: {status.get('message', '')}".rstrip(": "))
        if now != shown:
            say(now)
            shown = now
        if phase == "Complete":
            say(f"{progress.get('trials', 0)} trials, {progress.get('accepted', 0)} rows.")
            return
        if phase == "Failed" or clock() > ends:
            for condition in status.get("conditions") or ():
                words = f"{condition['type']}={condition['status']} {condition.get('reason', '')}"
                say("  " + one_line(f"{words}: {condition.get('message', '')}"))
            raise RunError(
                f"Synthesis {place.namespace}/{name} is {phase or 'without a status'} and not Complete.",
                remedy="The conditions above say why; `kubectl dart explain` does while it is there (--keep).",
            )
        sleep(PAUSE)


def _there(place: Reach, name: str) -> bool:
    try:
        place.cluster.get(SYNTHESES, place.namespace, name)
    except ObjectNotFound:
        return False
    return True
