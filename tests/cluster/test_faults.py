"""What tests of the operator do to a control plane has the effect that it should have."""

import threading

import pytest
from kubernetes import client, config, watch

from tests.cluster.access import Cluster


def make(cluster: Cluster, namespace: str, name: str) -> None:
    cluster.core.create_namespaced_config_map(namespace, {"metadata": {"name": name}})


def test_objects_survive_a_restart_of_the_api_server(plane, namespace):
    make(plane, namespace, "kept")
    with plane.apiserver_stopped():
        assert not plane.ready()
    assert plane.core.read_namespaced_config_map("kept", namespace)


def test_a_frozen_api_server_answers_nothing_and_then_goes_on(plane, namespace):
    with plane.frozen():
        assert not plane.ready()
    make(plane, namespace, "after")


def test_after_expiry_an_old_watch_and_an_old_list_are_refused_with_410(plane, namespace):
    for name in ("one", "two"):
        make(plane, namespace, name)
    first = plane.core.list_namespaced_config_map(namespace, limit=1)
    old = first.metadata.resource_version
    plane.expire()
    with pytest.raises(client.ApiException, match="Expired") as refused:
        for _ in watch.Watch().stream(
            plane.core.list_namespaced_config_map, namespace, resource_version=old, timeout_seconds=5
        ):
            pass
    assert refused.value.status == 410
    with pytest.raises(client.ApiException) as refused:
        plane.core.list_namespaced_config_map(namespace, limit=1, _continue=first.metadata._continue)
    assert refused.value.status == 410
    assert plane.core.read_namespaced_config_map("two", namespace)


def test_a_silent_cut_tells_the_watcher_nothing_and_new_connections_work_once_mended(plane, namespace):
    seen: list[str] = []
    with plane.proxy() as proxy:
        api = config.new_client_from_config(str(plane.kubeconfig_at(proxy.url)))
        core = client.CoreV1Api(api)

        def look() -> None:
            try:
                for event in watch.Watch().stream(core.list_namespaced_config_map, namespace, timeout_seconds=60):
                    seen.append(event["object"].metadata.name)
            except Exception as error:  # how it ends is what this is about
                seen.append(type(error).__name__)

        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        make(plane, namespace, "before")
        plane.eventually(lambda: "before" in seen, "the watch to tell of the first one")
        proxy.cut()
        make(plane, namespace, "unseen")
        with pytest.raises(Exception, match="timed out"):
            core.list_namespaced_config_map(namespace, _request_timeout=0.5, _preload_content=False)
        assert watcher.is_alive() and "unseen" not in seen and proxy.connections
        proxy.mend()
        fresh = Cluster(plane.kubeconfig_at(proxy.url), plane.folder)
        assert len(fresh.core.list_namespaced_config_map(namespace).items) >= 2
        assert watcher.is_alive() and "unseen" not in seen
        fresh.close()
        proxy.reset()
        watcher.join(60)
        assert not watcher.is_alive() and "unseen" not in seen
        api.close()


def test_a_service_account_may_do_what_its_role_says_and_no_more(plane, namespace):
    kubeconfig = plane.kubeconfig_of("reader", namespace)
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}
    plane.apply(
        [
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "Role",
                "metadata": {"name": "reader"},
                "rules": [rule],
            },
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "RoleBinding",
                "metadata": {"name": "reader"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
                "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": namespace}],
            },
        ],
        namespace,
    )
    reader = Cluster(kubeconfig, plane.folder)
    plane.eventually(lambda: reader.core.list_namespaced_config_map(namespace).items, "the role to be in force")
    with pytest.raises(client.ApiException) as refused:
        reader.core.list_namespaced_secret(namespace)
    assert refused.value.status == 403
    reader.close()
