"""What befalls pods on the node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from kubernetes import client

if TYPE_CHECKING:
    from .platform import Platform, Release
    from .runs import Run

Fault = Callable[["Release", "Run"], None]
TOO_MANY_REQUESTS = 429


def a_sampler_is_deleted(release: Release, run: Run) -> None:
    """As `kubectl delete pod`: it is asked to end first."""
    victim = run.pods("sampler")[0].metadata
    run.platform.node.core.delete_namespaced_pod(victim.name, run.namespace)
    _gone(run.platform, [victim])


def a_sampler_and_the_verifier_and_the_leader_are_killed(release: Release, run: Run) -> None:
    """Their processes, at once; the other operator leads soon."""
    node = run.platform.node
    for stage in ("sampler", "verifier"):
        node.kill(run.pods(stage)[0])
    before = release.leader()
    assert before is not None, release.told()
    node.kill(node.core.read_namespaced_pod(before, release.namespace))
    node.eventually(lambda: release.leader() not in (before, None), "another leader")


def the_node_is_drained(release: Release, run: Run) -> None:
    """As `kubectl drain`: every pod of both is evicted, the operators one after the other; the node takes them back."""
    core = run.platform.node.core
    pods = [
        pod
        for namespace in (run.namespace, release.namespace)
        for pod in core.list_namespaced_pod(namespace).items
        if pod.status.phase in ("Pending", "Running")
    ]
    for pod in pods:
        run.platform.node.eventually(lambda pod=pod: evicted(run.platform, pod.metadata), f"{pod.metadata.name} to go")
    _gone(run.platform, [pod.metadata for pod in pods])


def evicted(platform: Platform, pod: Any) -> bool:
    """Whether the API server agreed; not, while a PodDisruptionBudget has no room."""
    try:
        platform.node.core.create_namespaced_pod_eviction(
            pod.name, pod.namespace, {"metadata": {"name": pod.name, "namespace": pod.namespace}}
        )
    except client.ApiException as error:
        if error.status == TOO_MANY_REQUESTS:
            return False
        if error.status != 404:
            raise
    return True


def _gone(platform: Platform, pods: Sequence[Any]) -> None:
    def left() -> list[str]:
        now = {pod.metadata.uid for pod in platform.node.core.list_pod_for_all_namespaces().items}
        return [pod.name for pod in pods if pod.uid in now]

    platform.node.eventually(lambda: not left(), f"{[pod.name for pod in pods]} to be gone", seconds=120)


FAULTS: tuple[Fault, ...] = (
    a_sampler_is_deleted, a_sampler_and_the_verifier_and_the_leader_are_killed, the_node_is_drained
)  # fmt: skip
