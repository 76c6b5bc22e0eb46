"""Nodes and pods that pretend to run, under the real scheduler and the real Job controller."""

from typing import Any

from tests.cluster import pods
from tests.cluster.plane import ControlPlane


def status(plane: ControlPlane, namespace: str, name: str) -> dict[str, Any]:
    return plane.call("GET", f"/apis/batch/v1/namespaces/{namespace}/jobs/{name}").get("status", {})


def phases(plane: ControlPlane, namespace: str) -> list[str]:
    return [pod.status.phase for pod in plane.core.list_namespaced_pod(namespace).items]


def test_fake_nodes_are_ready_for_pods(plane):
    assert len(pods.ready_nodes(plane)) >= 3


def test_a_job_of_three_pods_completes(plane, namespace):
    plane.apply(pods.job("three", {pods.EXIT_CODE: "0"}, completions=3, parallelism=3), namespace)
    done = plane.eventually(
        lambda: (now := status(plane, namespace, "three")).get("completionTime") and now, "the Job to complete"
    )
    assert done["succeeded"] == 3
    assert phases(plane, namespace) == ["Succeeded"] * 3


def test_a_pod_runs_for_ever_unless_told_to_end(plane, namespace):
    plane.apply(pods.job("two", parallelism=2, completions=2), namespace)
    plane.eventually(lambda: phases(plane, namespace) == ["Running"] * 2, "two running pods")
    first, second = (pod.metadata.name for pod in plane.core.list_namespaced_pod(namespace).items)
    pods.finish(plane, namespace, first, 0)
    plane.eventually(lambda: status(plane, namespace, "two").get("succeeded") == 1, "one pod to end")
    pods.finish(plane, namespace, second, 0)
    plane.eventually(lambda: status(plane, namespace, "two").get("succeeded") == 2, "the other to end")
