"""`dart rehearse`, which `helm test` runs, with the rights that the chart gives its pod."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from dart_k8s.cli.cluster.reaching import reach
from dart_k8s.cli.cluster.rehearse import PROBLEMS, rehearsed, synthesis
from dart_k8s.edges.cluster.resources import CONFIG_MAPS, SYNTHESES
from dart_k8s.edges.store import open_store
from dart_k8s.errors import ObjectNotFound, RunError
from tests.packaging.rendering import example

from .kubelet import LABEL
from .runs import Run, run

if TYPE_CHECKING:
    from dart_k8s.cli.cluster.reaching import Reach
    from tests.s3_server import S3Server

    from .runs import Setting

NAME = "dart-rehearsal"
SECONDS = 180.0
"""What the chart gives it."""


def granted(setting: Setting, here: Run) -> Reach:
    """Into the run's namespace, as the chart's test pod."""
    [rules] = [one["rules"] for one in example("s3") if one["kind"] == "Role" and one["metadata"]["name"] == NAME]
    api = "rbac.authorization.k8s.io"
    role = {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": {"name": NAME}, "rules": rules}
    binding = {
        "apiVersion": f"{api}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": NAME},
        "roleRef": {"apiGroup": api, "kind": "Role", "name": NAME},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": here.namespace}],
    }
    setting.plane.apply([role, binding], here.namespace)
    return reach(here.namespace, None, str(setting.plane.kubeconfig_of(NAME, here.namespace)))


def declared(here: Run, **spec: Any) -> dict[str, Any]:
    """As the command makes it, on the node of processes."""
    made = synthesis(NAME, f"{here.output}/rehearsal", folder=str(here.shared))
    for stage in ("samplers", "prepare", "verifiers", "curate"):
        made["spec"][stage] |= {
            "nodeSelector": dict(here.setting.kubelet.selector),
            "tolerations": [{"key": LABEL, "operator": "Exists"}],
        }
    made["spec"] |= spec
    return made


def left(place: Reach) -> list[str]:
    """Which of its objects are still there; not with its own rights."""
    found = []
    for resource in (SYNTHESES, CONFIG_MAPS):
        items = place.cluster.list(resource, place.namespace).items
        found += [f"{resource.kind}/{item['metadata']['name']}" for item in items if item["metadata"]["name"] == NAME]
    return found


@pytest.mark.usefixtures("s3_environment")
def test_an_installation_that_works_is_found_to_work_in_time_and_nothing_stays(
    setting: Setting, s3_server: S3Server
) -> None:
    with run(setting) as here:
        here.deploy()
        said: list[str] = []
        place = granted(setting, here)
        rehearsed(place, NAME, declared(here), seconds=SECONDS, keep=False, say=said.append)
        assert any(line.startswith("Complete after") for line in said), said
        rows = next(int(line.split(", ")[1].split()[0]) for line in said if "trials" in line)
        assert rows == PROBLEMS * 3
        assert left(replace(place, cluster=reach(here.namespace, None, str(setting.plane.kubeconfig)).cluster)) == []
        assert list(open_store(here.output).list()) == []


@pytest.mark.usefixtures("s3_environment")
def test_an_installation_that_allows_no_output_is_told_why_and_nothing_stays(setting: Setting) -> None:
    with run(setting) as here:
        here.deploy()
        said: list[str] = []
        place = granted(setting, here)
        made = declared(here, output={"uri": "s3://elsewhere/rehearsal"})
        with pytest.raises(RunError, match="is Waiting and not Complete"):
            rehearsed(place, NAME, made, seconds=5.0, keep=False, say=said.append)
        assert any("OutputNotAllowed" in line and "s3://elsewhere" in line for line in said), said
        with pytest.raises(ObjectNotFound):
            place.cluster.get(SYNTHESES, here.namespace, NAME)
