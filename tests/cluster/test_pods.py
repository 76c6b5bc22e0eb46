"""Nodes and pods that pretend to run, under the real scheduler and the real Job controller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster import pods

if TYPE_CHECKING:
    from kubernetes.client import V1Pod

    from tests.cluster.plane import ControlPlane


def status(plane: ControlPlane, namespace: str, name: str) -> dict[str, Any]:
    return plane.call("GET", f"/apis/batch/v1/namespaces/{namespace}/jobs/{name}").get("status", {})


def pods_of(plane: ControlPlane, namespace: str) -> list[V1Pod]:
    return plane.core.list_namespaced_pod(namespace).items


def phases(plane: ControlPlane, namespace: str) -> list[str]:
    return sorted(pod.status.phase for pod in pods_of(plane, namespace))


def one_running(plane: ControlPlane, namespace: str, *but: str) -> V1Pod:
    """A running pod with another name than these."""
    return plane.eventually(
        lambda: next(
            pod
            for pod in pods_of(plane, namespace)
            if pod.metadata.name not in but and pod.status.phase == "Running" and not pod.metadata.deletion_timestamp
        ),
        "a running pod",
    )


def ended(plane: ControlPlane, namespace: str, pod: str) -> Any:
    """How its container ended."""
    return plane.eventually(
        lambda: plane.core.read_namespaced_pod(pod, namespace).status.container_statuses[0].state.terminated,
        f"pod {pod} to end",
    )


def test_fake_nodes_are_ready_for_pods(plane):
    assert len(pods.ready_nodes(plane)) >= 3


def test_a_job_of_three_pods_completes(plane, namespace):
    plane.apply(pods.job("three", {pods.EXIT_CODE: "0"}, completions=3, parallelism=3), namespace)
    done = plane.eventually(
        lambda: (now := status(plane, namespace, "three")).get("completionTime") and now, "the Job to complete"
    )
    assert done["succeeded"] == 3
    assert phases(plane, namespace) == ["Succeeded"] * 3


def test_pods_run_for_ever_unless_told_to_end_and_have_addresses_of_their_own(plane, namespace):
    plane.apply(pods.job("two", parallelism=2, completions=2), namespace)
    plane.eventually(lambda: phases(plane, namespace) == ["Running"] * 2, "two running pods")
    first, second = pods_of(plane, namespace)
    assert first.status.pod_ip != second.status.pod_ip
    pods.finish(plane, namespace, first.metadata.name, 0)
    plane.eventually(lambda: status(plane, namespace, "two").get("succeeded") == 1, "one pod to end")
    assert phases(plane, namespace) == ["Running", "Succeeded"]
    pods.finish(plane, namespace, second.metadata.name, 0)
    plane.eventually(lambda: status(plane, namespace, "two").get("succeeded") == 2, "the other to end")


def test_a_pod_of_a_work_queue_that_exits_75_is_no_failure_when_the_policy_ignores_it(plane, namespace):
    ignores = {"rules": [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [75]}}]}
    plane.apply(pods.job("queue", parallelism=2, backoffLimit=0, podFailurePolicy=ignores), namespace)
    first = one_running(plane, namespace).metadata.name
    second = one_running(plane, namespace, first).metadata.name
    pods.finish(plane, namespace, first, 75)
    plane.eventually(lambda: status(plane, namespace, "queue").get("active") == 1, "the Job to see its end")
    assert not {"failed", "conditions"} & set(status(plane, namespace, "queue"))
    pods.finish(plane, namespace, second, 1)
    plane.eventually(lambda: status(plane, namespace, "queue").get("failed") == 1, "the Job to count another code")


def test_a_deleted_pod_ends_with_the_exit_code_it_has_for_sigterm(plane, namespace):
    fails = {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [75]}}]}
    plane.apply(pods.job("stopped", {pods.ON_SIGTERM: "75"}, podFailurePolicy=fails), namespace)
    pod = one_running(plane, namespace).metadata.name
    plane.core.delete_namespaced_pod(pod, namespace)

    def failed() -> dict[str, str]:
        conditions = status(plane, namespace, "stopped")["conditions"]
        return next(one for one in conditions if one["type"] == "FailureTarget")

    why = plane.eventually(failed, "the Job to see its end")
    assert why["reason"] == "PodFailurePolicy" and "exit code 75" in why["message"]
    plane.eventually(lambda: not pods_of(plane, namespace), "the pod to be gone")


def test_reasons_and_messages_of_an_end_are_those_of_the_annotations(plane, namespace):
    plane.apply(pods.job("killed", parallelism=1), namespace)
    pod = one_running(plane, namespace).metadata.name
    pods.finish(plane, namespace, pod, 137, reason="OOMKilled", message="the engine took 80 GiB")
    end = ended(plane, namespace, pod)
    assert (end.exit_code, end.reason, end.message) == (137, "OOMKilled", "the engine took 80 GiB")


def test_a_pod_can_wait_for_its_image_until_it_is_let_go(plane, namespace):
    plane.apply(pods.job("waits", {pods.WAITING: "ImagePullBackOff"}, parallelism=1), namespace)

    def waits() -> bool:
        pod = pods_of(plane, namespace)[0]
        states = pod.status.container_statuses or []
        return [one.state.waiting.reason for one in states] == ["ImagePullBackOff"] and pod.status.phase == "Pending"

    plane.eventually(waits, "the pod to wait")
    pods.annotate(plane, namespace, pods_of(plane, namespace)[0].metadata.name, {pods.WAITING: None})
    assert one_running(plane, namespace)


def test_a_pod_can_run_and_not_get_ready(plane, namespace):
    plane.apply(pods.job("unready", {pods.UNREADY: "true"}, parallelism=1), namespace)
    pod = one_running(plane, namespace)
    assert [one.status for one in pod.status.conditions if one.type == "Ready"] == ["False"]


def test_pods_that_others_create_can_be_directed(plane, namespace):
    with pods.directed(plane, namespace, {pods.EXIT_CODE: "0"}, {"batch.kubernetes.io/job-name": "directed"}):
        plane.apply([pods.job("directed"), pods.job("other")], namespace)
        plane.eventually(lambda: status(plane, namespace, "directed").get("succeeded") == 1, "its pod to end")
    assert one_running(plane, namespace).metadata.labels["batch.kubernetes.io/job-name"] == "other"


def test_pods_go_on_after_the_api_server_was_away(plane, namespace):
    plane.apply(pods.job("across", parallelism=1, completions=2), namespace)
    first = one_running(plane, namespace).metadata.name
    with plane.apiserver_stopped():
        pass
    pods.finish(plane, namespace, first, 0)
    second = one_running(plane, namespace, first).metadata.name
    pods.finish(plane, namespace, second, 0)
    plane.eventually(lambda: status(plane, namespace, "across").get("succeeded") == 2, "the Job to complete")


@pytest.mark.parametrize("count", [5])
def test_more_nodes_can_be_added(plane, count):
    names = pods.add_nodes(plane, count, prefix="more")
    assert len(names) == count
    for name in names:
        plane.core.delete_node(name)
