"""A release changes, goes back, goes and comes back under another name while a Synthesis is at work."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from kubernetes import client

from .platform import CHART, INSTALLS_WITHIN, PREVIOUS, Release

if TYPE_CHECKING:
    from tests.cluster.node.node import Node

    from .platform import Platform
    from .runs import Run

STAYS = {"customresourcedefinitions", "namespaces"}


def previous_chart(folder: Path) -> Path:
    """There is no release before this one yet: this chart under an older version."""
    chart = folder / "previous"
    shutil.copytree(CHART, chart)
    named = yaml.safe_load((chart / "Chart.yaml").read_text())
    (chart / "Chart.yaml").write_text(yaml.safe_dump({**named, "version": "0.0.9", "appVersion": "0.0.9"}))
    return chart


def test_a_run_goes_on_through_upgrade_rollback_uninstall_and_another_release(
    platform: Platform, run: Run, tmp_path: Path
) -> None:
    release = Release(platform, "dart", platform.namespace())
    release.apply(chart=previous_chart(tmp_path), image={"tag": PREVIOUS})
    run.submit(queries=12, seconds_per_token=0.1, strategy={"kind": "uniform", "target": 6}, deletionPolicy="Delete")
    run.until_trials(5)

    before = {pod.metadata.uid for pod in run.pods("sampler")}
    release.apply("upgrade")
    assert {image.rpartition(":")[2] for image in release.images()} == {"e2e"}
    assert before & {pod.metadata.uid for pod in run.pods("sampler")}, "an upgrade leaves samplers alone"

    release.helm("rollback", "1", "--wait", "--timeout", INSTALLS_WITHIN)
    assert {image.rpartition(":")[2] for image in release.images()} == {PREVIOUS}

    # Gone: what a release brings. What users declared, and its kinds, are there.
    release.uninstall()
    nothing_left(platform.node, "dart")
    assert run.get()["metadata"]["finalizers"] == ["dart-k8s.io/output"]

    # What samplers do without an operator is kept, and an operator of another name goes on with it.
    other = Release(platform, "other", platform.namespace())
    other.apply()
    run.whole(queries=12, target=6)

    # Deleted with its output, which no pod is left to hold.
    run.delete()
    platform.node.eventually(run.gone, "the Synthesis to be gone", seconds=120)
    assert not [entry.key for entry in run.store.list("")]
    other.uninstall()
    nothing_left(platform.node, "other")


def nothing_left(node: Node, release: str) -> None:
    """Helm waits for a Deployment, and not for its pods, which take leave of their Lease."""
    node.eventually(lambda: not (kept := left(node, release)) or _raise(kept), f"{release} to leave nothing")


def _raise(kept: list[str]) -> None:
    raise LookupError(f"left: {kept}")


def left(node: Node, release: str) -> list[str]:
    """Objects of any kind that bear the release's label, but definitions."""
    found = []
    for group, kinds in served(node).items():
        for kind in kinds:
            items = node.call("GET", f"{group}/{kind}", labelSelector=f"app.kubernetes.io/instance={release}")["items"]
            found += [f"{kind}/{item['metadata']['name']}" for item in items if kind not in STAYS]
    return found


def served(node: Node) -> dict[str, list[str]]:
    """Every kind that can be listed, by the path of its group and version."""
    groups = node.call("GET", "/apis")["groups"]
    paths = ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups)]
    found: dict[str, list[str]] = {}
    for path in paths:
        try:
            kinds = node.call("GET", path)["resources"]
        except client.ApiException:  # a group whose server is away
            continue
        found[path] = [kind["name"] for kind in kinds if "list" in kind["verbs"] and "/" not in kind["name"]]
    return found
