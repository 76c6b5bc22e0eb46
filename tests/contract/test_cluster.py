"""What every cluster promises, on the memory and on a real API server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dart_k8s.edges.cluster import Change, Cluster, MemoryCluster, Resource
from dart_k8s.edges.cluster.resources import CONFIG_MAPS, DEPLOYMENTS, JOBS, LEASES, PODS, SERVICES
from dart_k8s.errors import (
    ClusterUnavailable,
    Expired,
    ObjectConflict,
    ObjectExists,
    ObjectNotFound,
    ObjectRefused,
)

WAITS = 30.0


@dataclass
class Place:
    """A cluster, a namespace of the test's own, and how to let the server's own controllers work."""

    cluster: Cluster
    namespace: str
    settle: Callable[[Callable[[], bool]], bool]
    other: Cluster
    """The same one through a client with another field manager."""


@pytest.fixture(params=["memory", "kube"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "memory":
        memory = MemoryCluster()

        def collect(check: Callable[[], bool]) -> bool:
            memory.collect()
            return check()

        other = MemoryCluster(manager="another")
        other.contents = memory.contents
        yield Place(memory, "test", collect, other)
        return
    running: Any = request.getfixturevalue("cluster")
    namespace = request.getfixturevalue("namespace")
    from dart_k8s.edges.cluster.kube import connect

    def poll(check: Callable[[], bool]) -> bool:
        ends = time.monotonic() + WAITS
        while not check() and time.monotonic() < ends:
            time.sleep(0.05)
        return check()

    real = connect(kubeconfig=str(running.kubeconfig), qps=0)
    theirs = connect(kubeconfig=str(running.kubeconfig), qps=0, manager="another")
    yield Place(real, namespace, poll, theirs)
    real.close()
    theirs.close()


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def labelled(manifest: dict[str, Any], **labels: str) -> dict[str, Any]:
    return {**manifest, "metadata": {**manifest["metadata"], "labels": labels}}


def deployment(name: str, replicas: int = 0, image: str = "a", **env: str) -> dict[str, Any]:
    container = {"name": "dart", "image": image, "env": [{"name": key, "value": value} for key, value in env.items()]}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def owned(manifest: dict[str, Any], owner: dict[str, Any]) -> dict[str, Any]:
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "blockOwnerDeletion": True,
    }
    return {**manifest, "metadata": {**manifest["metadata"], "ownerReferences": [reference]}}


def names(place: Place, resource: Resource = CONFIG_MAPS, labels: str = "", limit: int = 500) -> list[str]:
    """Of all pages; what the server itself puts into every namespace is left out."""
    found, after = [], ""
    while True:
        page = place.cluster.list(resource, place.namespace, labels=labels, limit=limit, after=after)
        assert not limit or len(page.items) <= limit
        found += [item["metadata"]["name"] for item in page.items]
        after = page.next
        if not after:
            return [name for name in found if name != "kube-root-ca.crt"]


def gone(place: Place, resource: Resource, name: str) -> bool:
    try:
        place.cluster.get(resource, place.namespace, name)
    except ObjectNotFound:
        return True
    return False


def seen(place: Place, version: str, labels: str = "") -> list[tuple[str, str]]:
    """What a watch tells within a second, bookmarks left out."""
    changes = place.cluster.watch(CONFIG_MAPS, place.namespace, version=version, labels=labels, seconds=1)
    told = [(change.type, change.object["metadata"].get("name", "")) for change in changes]
    return [one for one in told if one[0] != "BOOKMARK" and one[1] != "kube-root-ca.crt"]


# -- objects


def test_a_created_object_is_got_back_with_what_the_server_adds(place: Place) -> None:
    made = place.cluster.create(CONFIG_MAPS, place.namespace, config_map("a", key="value"))
    found = place.cluster.get(CONFIG_MAPS, place.namespace, "a")
    assert made == found
    assert found["apiVersion"] == "v1" and found["kind"] == "ConfigMap" and found["data"] == {"key": "value"}
    about = found["metadata"]
    assert about["uid"] and about["resourceVersion"] and about["creationTimestamp"].endswith("Z")
    assert about["namespace"] == place.namespace and "managedFields" not in about


def test_a_name_is_given_once(place: Place) -> None:
    place.cluster.create(CONFIG_MAPS, place.namespace, config_map("a"))
    with pytest.raises(ObjectExists) as caught:
        place.cluster.create(CONFIG_MAPS, place.namespace, config_map("a"))
    assert f"{place.namespace}/a" in str(caught.value)


@pytest.mark.parametrize("name", ["Upper", "under_score", "-begins", "x" * 254])
def test_a_bad_name_is_refused(place: Place, name: str) -> None:
    with pytest.raises(ObjectRefused):
        place.cluster.create(CONFIG_MAPS, place.namespace, config_map(name))


def test_what_is_not_there_is_not_found_whatever_is_done_to_it(place: Place) -> None:
    cluster, space = place.cluster, place.namespace
    for act in (
        lambda: cluster.get(CONFIG_MAPS, space, "none"),
        lambda: cluster.delete(CONFIG_MAPS, space, "none"),
        lambda: cluster.patch(CONFIG_MAPS, space, "none", {"data": {}}),
        lambda: cluster.apply(DEPLOYMENTS, space, "none", deployment("none"), subresource="status"),
        lambda: list(cluster.logs(space, "none")),
    ):
        with pytest.raises(ObjectNotFound) as caught:
            act()
        assert "none" in str(caught.value)


def test_a_rehearsed_creation_leaves_nothing(place: Place) -> None:
    made = place.cluster.create(CONFIG_MAPS, place.namespace, config_map("a"), dry_run=True)
    assert made["metadata"]["name"] == "a"
    assert gone(place, CONFIG_MAPS, "a")


def test_callers_cannot_change_what_is_stored_through_what_they_got(place: Place) -> None:
    made = place.cluster.create(CONFIG_MAPS, place.namespace, config_map("a", key="value"))
    made["data"]["key"] = "mine"
    place.cluster.get(CONFIG_MAPS, place.namespace, "a")["data"]["key"] = "mine"
    assert place.cluster.get(CONFIG_MAPS, place.namespace, "a")["data"] == {"key": "value"}


# -- changing


def test_a_patch_merges_and_removes(place: Place) -> None:
    place.cluster.create(CONFIG_MAPS, place.namespace, config_map("a", one="1", two="2"))
    place.cluster.patch(CONFIG_MAPS, place.namespace, "a", {"data": {"one": None, "three": "3"}})
    assert place.cluster.get(CONFIG_MAPS, place.namespace, "a")["data"] == {"two": "2", "three": "3"}


def test_a_write_at_an_old_version_is_a_conflict(place: Place) -> None:
    old = place.cluster.create(CONFIG_MAPS, place.namespace, config_map("a", key="1"))
    new = place.cluster.replace(CONFIG_MAPS, place.namespace, "a", {**old, "data": {"key": "2"}})
    for act in (
        lambda: place.cluster.replace(CONFIG_MAPS, place.namespace, "a", {**old, "data": {"key": "3"}}),
        lambda: place.cluster.patch(
            CONFIG_MAPS,
            place.namespace,
            "a",
            {"metadata": {"resourceVersion": old["metadata"]["resourceVersion"]}, "data": {"key": "3"}},
        ),
    ):
        with pytest.raises(ObjectConflict):
            act()
    assert place.cluster.get(CONFIG_MAPS, place.namespace, "a") == new


def test_the_generation_counts_changes_of_the_spec_only(place: Place) -> None:
    made = place.cluster.create(DEPLOYMENTS, place.namespace, deployment("d"))
    assert made["metadata"]["generation"] == 1
    labels = {"metadata": {"labels": {"a": "b"}}}
    assert place.cluster.patch(DEPLOYMENTS, place.namespace, "d", labels)["metadata"]["generation"] == 1
    changed = place.cluster.patch(DEPLOYMENTS, place.namespace, "d", {"spec": {"minReadySeconds": 3}})
    assert changed["metadata"]["generation"] == 2
    status = {"apiVersion": "apps/v1", "kind": "Deployment", "status": {"observedGeneration": 1}}
    place.cluster.apply(DEPLOYMENTS, place.namespace, "d", status, subresource="status")
    assert place.cluster.get(DEPLOYMENTS, place.namespace, "d")["metadata"]["generation"] == 2


def test_status_is_written_only_by_its_subresource(place: Place) -> None:
    condition = {"type": "Mine", "status": "True", "reason": "Set", "message": "by a test"}
    whole = {**deployment("d"), "status": {"conditions": [condition]}}
    assert "Mine" not in str(place.cluster.create(DEPLOYMENTS, place.namespace, whole).get("status"))
    place.cluster.patch(DEPLOYMENTS, place.namespace, "d", {"status": {"conditions": [condition]}})
    assert "Mine" not in str(place.cluster.get(DEPLOYMENTS, place.namespace, "d").get("status"))
    status = {"apiVersion": "apps/v1", "kind": "Deployment", "status": {"conditions": [condition]}}
    place.cluster.apply(DEPLOYMENTS, place.namespace, "d", status, subresource="status")
    found = place.cluster.get(DEPLOYMENTS, place.namespace, "d")
    assert "Mine" in str(found["status"]) and found["spec"]["replicas"] == 0


# -- server-side apply


def test_applying_creates_and_then_changes(place: Place) -> None:
    made = place.cluster.apply(CONFIG_MAPS, place.namespace, "a", config_map("a", key="1"))
    changed = place.cluster.apply(CONFIG_MAPS, place.namespace, "a", config_map("a", key="2"))
    assert made["metadata"]["uid"] == changed["metadata"]["uid"] and changed["data"] == {"key": "2"}


def test_applying_the_same_again_writes_nothing(place: Place) -> None:
    manifest = labelled(config_map("a", key="1"), x="y")
    made = place.cluster.apply(CONFIG_MAPS, place.namespace, "a", manifest)
    again = place.cluster.apply(CONFIG_MAPS, place.namespace, "a", manifest)
    assert made["metadata"]["resourceVersion"] == again["metadata"]["resourceVersion"]


def test_what_is_no_longer_applied_goes_and_what_others_set_stays(place: Place) -> None:
    place.cluster.apply(CONFIG_MAPS, place.namespace, "a", labelled(config_map("a", one="1", two="2"), x="1", y="2"))
    # A merge patch is another way of owning a field than an apply, so this is somebody else's.
    place.cluster.patch(CONFIG_MAPS, place.namespace, "a", {"data": {"theirs": "3"}})
    found = place.cluster.apply(CONFIG_MAPS, place.namespace, "a", labelled(config_map("a", one="1"), y="2"))
    assert found["data"] == {"one": "1", "theirs": "3"}
    assert found["metadata"]["labels"] == {"y": "2"}


def test_applying_takes_over_what_others_changed(place: Place) -> None:
    place.cluster.apply(CONFIG_MAPS, place.namespace, "a", config_map("a", key="1"))
    place.cluster.patch(CONFIG_MAPS, place.namespace, "a", {"data": {"key": "theirs"}})
    assert place.cluster.apply(CONFIG_MAPS, place.namespace, "a", config_map("a", key="1"))["data"] == {"key": "1"}


def test_applying_without_force_leaves_what_another_manager_has_set(place: Place) -> None:
    place.cluster.apply(CONFIG_MAPS, place.namespace, "a", config_map("a", key="1"))
    both = place.other.apply(CONFIG_MAPS, place.namespace, "a", config_map("a", key="1", own="1"), force=False)
    assert both["data"] == {"key": "1", "own": "1"}
    with pytest.raises(ObjectConflict) as caught:
        place.other.apply(CONFIG_MAPS, place.namespace, "a", config_map("a", key="2"), force=False)
    assert "data.key" in str(caught.value)
    assert place.other.apply(CONFIG_MAPS, place.namespace, "a", config_map("a", key="2"))["data"] == {"key": "2"}
    with pytest.raises(ObjectConflict):
        place.cluster.apply(CONFIG_MAPS, place.namespace, "a", config_map("a", key="1"), force=False)


def test_a_rehearsed_apply_shows_what_it_would_do_and_leaves_nothing(place: Place) -> None:
    shown = place.cluster.apply(CONFIG_MAPS, place.namespace, "a", config_map("a", key="1"), dry_run=True)
    assert shown["data"] == {"key": "1"} and gone(place, CONFIG_MAPS, "a")
    made = place.cluster.apply(CONFIG_MAPS, place.namespace, "a", config_map("a", key="1"))
    shown = place.cluster.apply(CONFIG_MAPS, place.namespace, "a", config_map("a", key="2"), dry_run=True)
    assert shown["data"] == {"key": "2"}
    assert place.cluster.get(CONFIG_MAPS, place.namespace, "a") == made


def test_items_of_keyed_lists_are_merged_by_their_key(place: Place) -> None:
    place.cluster.apply(DEPLOYMENTS, place.namespace, "d", deployment("d", ONE="1", TWO="2"))
    found = place.cluster.apply(DEPLOYMENTS, place.namespace, "d", deployment("d", image="b", TWO="3", THREE="4"))
    (container,) = found["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "b"
    assert {item["name"]: item["value"] for item in container["env"]} == {"TWO": "3", "THREE": "4"}


def test_status_and_the_rest_are_applied_apart(place: Place) -> None:
    place.cluster.apply(DEPLOYMENTS, place.namespace, "d", deployment("d"))
    status = {"apiVersion": "apps/v1", "kind": "Deployment", "status": {"conditions": []}}
    status["status"] = {
        "conditions": [{"type": kind, "status": "True", "reason": "R", "message": ""} for kind in ("One", "Two")]
    }
    place.cluster.apply(DEPLOYMENTS, place.namespace, "d", status, subresource="status")
    status["status"] = {"conditions": [{"type": "Two", "status": "False", "reason": "R", "message": ""}]}
    place.cluster.apply(DEPLOYMENTS, place.namespace, "d", status, subresource="status")
    found = place.cluster.get(DEPLOYMENTS, place.namespace, "d")
    mine = {c["type"]: c["status"] for c in found["status"]["conditions"] if c["type"] in {"One", "Two"}}
    assert mine == {"Two": "False"} and found["spec"]["template"]["spec"]["containers"]


# -- lists


def test_lists_come_in_pages_and_all_of_them(place: Place) -> None:
    for number in range(7):
        place.cluster.create(CONFIG_MAPS, place.namespace, config_map(f"a{number}"))
    assert names(place, limit=3) == [f"a{number}" for number in range(7)]


def test_a_list_in_pages_shows_one_moment(place: Place) -> None:
    for number in range(4):
        place.cluster.create(CONFIG_MAPS, place.namespace, labelled(config_map(f"a{number}"), mine="yes"))
    first = place.cluster.list(CONFIG_MAPS, place.namespace, labels="mine=yes", limit=2)
    place.cluster.delete(CONFIG_MAPS, place.namespace, "a3")
    place.cluster.create(CONFIG_MAPS, place.namespace, labelled(config_map("a9"), mine="yes"))
    second = place.cluster.list(CONFIG_MAPS, place.namespace, labels="mine=yes", limit=9, after=first.next)
    assert [item["metadata"]["name"] for item in second.items] == ["a2", "a3"]
    assert all(item["kind"] == "ConfigMap" and item["apiVersion"] == "v1" for item in first.items)
    told = seen(place, second.version, "mine=yes")
    assert told == [("DELETED", "a3"), ("ADDED", "a9")]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("", ["a", "b", "c"]),
        ("x=1", ["a"]),
        ("x==1", ["a"]),
        ("x!=1", ["b", "c"]),
        ("x", ["a", "b"]),
        ("!x", ["c"]),
        ("x in (1,2)", ["a", "b"]),
        ("x notin (1, 3)", ["b", "c"]),
        ("x,y=2", ["b"]),
        ("dart-k8s.io/stage=sampler", []),
    ],
)
def test_lists_keep_to_a_label_selector(place: Place, labels: str, expected: list[str]) -> None:
    for name, own in (("a", {"x": "1"}), ("b", {"x": "2", "y": "2"}), ("c", {})):
        place.cluster.create(CONFIG_MAPS, place.namespace, labelled(config_map(name), **own))
    assert names(place, labels=labels) == expected


def test_a_list_of_all_namespaces_has_this_one(place: Place) -> None:
    place.cluster.create(CONFIG_MAPS, place.namespace, labelled(config_map("a"), only=place.namespace))
    page = place.cluster.list(CONFIG_MAPS, None, labels=f"only={place.namespace}")
    assert [item["metadata"]["namespace"] for item in page.items] == [place.namespace]


# -- watches


def test_a_watch_tells_what_happened_after_a_version_in_order(place: Place) -> None:
    place.cluster.create(CONFIG_MAPS, place.namespace, config_map("before"))
    version = place.cluster.list(CONFIG_MAPS, place.namespace).version
    place.cluster.create(CONFIG_MAPS, place.namespace, config_map("a"))
    place.cluster.patch(CONFIG_MAPS, place.namespace, "a", {"data": {"key": "1"}})
    place.cluster.delete(CONFIG_MAPS, place.namespace, "a")
    assert seen(place, version) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


def test_an_object_comes_into_a_selected_watch_and_goes_out_of_it(place: Place) -> None:
    version = place.cluster.list(CONFIG_MAPS, place.namespace).version
    place.cluster.create(CONFIG_MAPS, place.namespace, config_map("a"))
    for value in ("1", "1", "2"):
        patch = {"metadata": {"labels": {"x": value}}, "data": {"changed": value}}
        place.cluster.patch(CONFIG_MAPS, place.namespace, "a", patch)
    place.cluster.patch(CONFIG_MAPS, place.namespace, "a", {"metadata": {"labels": {"x": "1"}}})
    assert seen(place, version, "x=1") == [("ADDED", "a"), ("DELETED", "a"), ("ADDED", "a")]


def test_a_watch_ends_with_a_bookmark_to_go_on_from(place: Place) -> None:
    version = place.cluster.list(CONFIG_MAPS, place.namespace).version
    place.cluster.create(CONFIG_MAPS, place.namespace, config_map("a"))
    changes: list[Change] = list(place.cluster.watch(CONFIG_MAPS, place.namespace, version=version, seconds=1))
    last = changes[-1].object["metadata"]["resourceVersion"]
    place.cluster.create(CONFIG_MAPS, place.namespace, config_map("b"))
    assert seen(place, last) == [("ADDED", "b")]


def test_a_kind_that_is_not_served_is_not_found(place: Place) -> None:
    if isinstance(place.cluster, MemoryCluster):
        pytest.skip("the memory serves every kind")
    with pytest.raises(ObjectNotFound):
        place.cluster.list(Resource("example.com", "v1", "Thing", "things"), place.namespace)


# -- deletion


def test_a_delete_with_another_uid_is_a_conflict_and_deletes_nothing(place: Place) -> None:
    made = place.cluster.create(CONFIG_MAPS, place.namespace, config_map("a"))
    with pytest.raises(ObjectConflict):
        place.cluster.delete(CONFIG_MAPS, place.namespace, "a", uid="00000000-0000-4000-8000-00000000000f")
    place.cluster.delete(CONFIG_MAPS, place.namespace, "a", uid=made["metadata"]["uid"])
    assert gone(place, CONFIG_MAPS, "a")


def test_a_finalizer_holds_an_object_until_it_is_taken_off(place: Place) -> None:
    manifest = config_map("a", key="1")
    manifest["metadata"]["finalizers"] = ["dart-k8s.io/output"]
    place.cluster.create(CONFIG_MAPS, place.namespace, manifest)
    place.cluster.delete(CONFIG_MAPS, place.namespace, "a")
    place.cluster.delete(CONFIG_MAPS, place.namespace, "a")
    assert place.cluster.get(CONFIG_MAPS, place.namespace, "a")["metadata"]["deletionTimestamp"]
    place.cluster.patch(CONFIG_MAPS, place.namespace, "a", {"metadata": {"finalizers": None}})
    assert gone(place, CONFIG_MAPS, "a")


def test_what_a_gone_object_owned_goes_too(place: Place) -> None:
    owner = place.cluster.create(CONFIG_MAPS, place.namespace, config_map("owner"))
    middle = place.cluster.create(CONFIG_MAPS, place.namespace, owned(config_map("middle"), owner))
    place.cluster.create(SERVICES, place.namespace, owned(service("leaf"), middle))
    place.cluster.create(CONFIG_MAPS, place.namespace, config_map("other"))
    place.cluster.delete(CONFIG_MAPS, place.namespace, "owner")
    assert place.settle(lambda: gone(place, CONFIG_MAPS, "middle") and gone(place, SERVICES, "leaf"))
    assert not gone(place, CONFIG_MAPS, "other")


def test_an_owner_deleted_in_the_foreground_goes_last(place: Place) -> None:
    owner = place.cluster.create(CONFIG_MAPS, place.namespace, config_map("owner"))
    held = owned(config_map("held"), owner)
    held["metadata"]["finalizers"] = ["dart-k8s.io/output"]
    place.cluster.create(CONFIG_MAPS, place.namespace, held)
    place.cluster.delete(CONFIG_MAPS, place.namespace, "owner", propagation="Foreground")

    def deleting() -> bool:
        return "deletionTimestamp" in place.cluster.get(CONFIG_MAPS, place.namespace, "held")["metadata"]

    assert place.settle(deleting)
    assert not gone(place, CONFIG_MAPS, "owner")
    place.cluster.patch(CONFIG_MAPS, place.namespace, "held", {"metadata": {"finalizers": None}})
    assert place.settle(lambda: gone(place, CONFIG_MAPS, "owner"))


def service(name: str) -> dict[str, Any]:
    spec = {"clusterIP": "None", "selector": {"app": name}, "ports": [{"name": "http", "port": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


# -- what only the memory can be made to do


class Broken:
    """Fails requests of one verb."""

    def __init__(self, verb: str) -> None:
        self.verb = verb

    def __call__(self, verb: str, resource: Resource, namespace: str, name: str) -> None:
        if verb == self.verb:
            raise ClusterUnavailable(f"Cannot {verb} {resource.kind} {namespace}/{name}: played.")


def test_a_request_that_never_arrived_changed_nothing() -> None:
    cluster = MemoryCluster(before=Broken("create"))
    with pytest.raises(ClusterUnavailable):
        cluster.create(CONFIG_MAPS, "test", config_map("a"))
    with pytest.raises(ObjectNotFound):
        cluster.get(CONFIG_MAPS, "test", "a")
    assert not cluster.requests["create", "ConfigMap", "test", "a"]


def test_a_lost_reply_leaves_the_write_done_and_counted() -> None:
    cluster = MemoryCluster(after=Broken("create"))
    with pytest.raises(ClusterUnavailable):
        cluster.create(CONFIG_MAPS, "test", config_map("a"))
    assert cluster.get(CONFIG_MAPS, "test", "a")
    assert cluster.requests["create", "ConfigMap", "test", "a"] == 1


def test_after_history_is_forgotten_versions_and_tokens_are_too_old() -> None:
    cluster = MemoryCluster()
    for name in "abc":
        cluster.create(CONFIG_MAPS, "test", config_map(name))
    page = cluster.list(CONFIG_MAPS, "test", limit=1)
    cluster.expire()
    with pytest.raises(Expired):
        list(cluster.watch(CONFIG_MAPS, "test", version=page.version))
    with pytest.raises(Expired):
        cluster.list(CONFIG_MAPS, "test", limit=1, after=page.next)
    assert len(cluster.list(CONFIG_MAPS, "test").items) == 3


def test_a_lagging_server_lists_and_watches_the_past() -> None:
    cluster = MemoryCluster()
    cluster.create(CONFIG_MAPS, "test", config_map("a"))
    cluster.create(CONFIG_MAPS, "test", config_map("b"))
    cluster.delete(CONFIG_MAPS, "test", "a")
    cluster.lag = 2
    page = cluster.list(CONFIG_MAPS, "test")
    assert [item["metadata"]["name"] for item in page.items] == ["a"]
    cluster.lag = 1
    told = list(cluster.watch(CONFIG_MAPS, "test", version=page.version))
    assert [(change.type, change.object["metadata"].get("name")) for change in told] == [
        ("ADDED", "b"),
        ("BOOKMARK", None),
    ]
    cluster.lag = 0
    told = list(cluster.watch(CONFIG_MAPS, "test", version=told[-1].object["metadata"]["resourceVersion"]))
    assert [change.type for change in told] == ["DELETED", "BOOKMARK"]


def test_events_of_a_watch_can_be_dropped() -> None:
    cluster = MemoryCluster()
    cluster.keeps = lambda change: change.type != "ADDED"
    cluster.create(CONFIG_MAPS, "test", config_map("a"))
    cluster.delete(CONFIG_MAPS, "test", "a")
    assert [change.type for change in cluster.watch(CONFIG_MAPS, "test", version="1")] == ["DELETED", "BOOKMARK"]


def test_admission_can_refuse() -> None:
    def quota(resource: Resource, old: object, new: object) -> None:
        raise ObjectRefused("exceeded quota: pods")

    cluster = MemoryCluster(admit=quota)
    with pytest.raises(ObjectRefused, match="quota"):
        cluster.create(JOBS, "test", config_map("a"))
    assert cluster.list(PODS, None).items == cluster.list(LEASES, None).items == []
