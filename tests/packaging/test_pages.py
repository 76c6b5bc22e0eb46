"""Blocks of the users' pages that are marked `chart`: typed beside a real API server, with real Helm; pods pretend.

Each block begins on an empty cluster if it installs something, else beside a release that was installed and upgraded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kubernetes import client

from tests.blocks import USER_PAGES, Block, blocks
from tests.operator.real import install_crds
from tests.shell import Shell, carried_out
from tests.tools import HELM

from .test_install import remove_definitions

if TYPE_CHECKING:
    from tests.cluster.plane import ControlPlane

MARKED = [block for page in USER_PAGES for block in blocks(page, "chart")]
SYSTEM = "dart-system"
INSTALLS = re.compile(r"helm install dart |apply -k ")
BEFORE = (
    f"helm install dart charts/dart --namespace {SYSTEM} --create-namespace --set objectStore.bucket=math",
    f"helm upgrade dart charts/dart --namespace {SYSTEM} --reuse-values --set operator.workers=4",
)
"""What stands where a page goes on from a release."""
ENVIRONMENT = {
    "BUCKET": "math",
    "AWS_ENDPOINT_URL_S3": "https://s3.example:9000",
    "AWS_ACCESS_KEY_ID": "id",
    "AWS_SECRET_ACCESS_KEY": "key",
}


@pytest.fixture
def shell(plane: ControlPlane, tmp_path: Path) -> Iterator[Shell]:
    """Beside a cluster without definitions; everything that was made in it goes."""
    folder = tmp_path / "page"
    folder.mkdir()
    plane.heal()
    remove_definitions(plane)
    before = _namespaces(plane)
    environment = {**ENVIRONMENT, "KUBECONFIG": str(plane.kubeconfig)}
    with Shell(folder, environment, programs=[HELM.need().parent]) as made:
        yield made
        new = _namespaces(plane) - before
        for name in new:
            made.run(f"helm list --namespace {name} --short | xargs -r helm uninstall --namespace {name}")
        made.run("kubectl delete --ignore-not-found -k manifests/install --wait=false")
    # A namespace that has pods is looked at again only after half of their grace period: first the pods, then.
    plane.eventually(lambda: not any(_owned_pods(plane, name) for name in new), "the pods to be gone", 60.0)
    for name in new:
        with suppress(client.ApiException):
            plane.core.delete_namespace(name)
    plane.eventually(lambda: _namespaces(plane) <= before, "the namespaces to be gone", 120.0)
    remove_definitions(plane)
    install_crds(plane)


def _owned_pods(plane: ControlPlane, namespace: str) -> list[str]:
    found = plane.core.list_namespaced_pod(namespace).items
    return [pod.metadata.name for pod in found if pod.metadata.owner_references]


def _namespaces(plane: ControlPlane) -> set[str]:
    return {one.metadata.name for one in plane.core.list_namespace().items}


@pytest.mark.parametrize("block", MARKED, ids=[block.where for block in MARKED])
def test_what_a_page_says_about_the_chart_is_so(block: Block, shell: Shell) -> None:
    if not INSTALLS.search(block.text):
        for command in BEFORE:
            code, said = shell.run(command)
            assert code == 0, said
    carried_out(shell, [block])
