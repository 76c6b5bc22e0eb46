"""Which namespaces an operator looks after, on a real API server: those listed, or all, with no right outside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .real import ACCOUNT, Folded, InProcess, grant, install_crds, rules, settings, synthesis

if TYPE_CHECKING:
    from tests.cluster.plane import ControlPlane

RBAC = "rbac.authorization.k8s.io"


@pytest.fixture
def three(plane: ControlPlane, namespace: str) -> Iterator[list[str]]:
    """Namespaces with a Synthesis each; the operator's own account is in the first."""
    install_crds(plane)
    made = [namespace, plane.namespace(), plane.namespace()]
    for one in made:
        plane.apply(synthesis("s"), one)
    yield made
    for one in made[1:]:
        plane.core.delete_namespace(one)


def prepared(plane: ControlPlane, namespace: str) -> bool:
    found = plane.call("GET", f"/apis/batch/v1/namespaces/{namespace}/jobs")["items"]
    return [one["metadata"]["name"] for one in found] == ["s-prepare-1"]


def refused(here: InProcess, ending: list[str]) -> list[str]:
    """Requests for which there is no right. Nothing can be made in `ending`, namespaces of other tests."""
    return [
        f"{sent.verb} {sent.resource.plural}"
        for sent in here.sent
        if sent.code in {"401", "403"} and sent.namespace not in ending
    ]


def test_listed_namespaces_are_looked_after_with_rights_in_them_alone(
    plane: ControlPlane, three: list[str], tmp_path: Path
) -> None:
    own, other, unlisted = three
    for one in (own, other):
        grant(plane, one, account=own)
    kubeconfig = plane.kubeconfig_of(ACCOUNT, own)
    found = settings(kubeconfig, own, Folded(tmp_path), namespaces=[own, other], leaseNamespace=own)
    with InProcess(found) as here:
        for one in (own, other):
            plane.eventually(lambda one=one: prepared(plane, one), f"a prepare Job in {one}")
        assert refused(here, []) == [] and not here.exits
    assert not prepared(plane, unlisted)


def test_all_namespaces_are_looked_after_with_a_cluster_role(
    plane: ControlPlane, three: list[str], tmp_path: Path
) -> None:
    own = three[0]
    role = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": f"all-{own}"}, "rules": rules()}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"all-{own}"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": f"all-{own}"},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": own}],
    }
    grant(plane, own)
    plane.apply([role, binding])
    found = settings(plane.kubeconfig_of(ACCOUNT, own), own, Folded(tmp_path), namespaces=[], leaseNamespace=own)
    try:
        with InProcess(found) as here:
            for one in three:
                plane.eventually(lambda one=one: prepared(plane, one), f"a prepare Job in {one}")
            ending = [one.metadata.name for one in plane.core.list_namespace().items if one.metadata.name not in three]
            assert refused(here, ending) == [] and not here.exits
    finally:
        for kind in ("clusterrolebindings", "clusterroles"):
            plane.call("DELETE", f"/apis/{RBAC}/v1/{kind}/all-{own}")
