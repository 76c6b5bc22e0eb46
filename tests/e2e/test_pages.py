"""Blocks of the users' pages that are marked `e2e`: typed beside a release on the node, the README's first."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.blocks import ROOT, USER_PAGES, blocks
from tests.packaging.test_install import remove_definitions
from tests.shell import Shell, carried_out
from tests.tools import HELM

from .platform import SECRET, pods_told

if TYPE_CHECKING:
    from .platform import Platform

SYSTEM, USERS = "dart-system", "default"
"""Namespaces of the pages."""
BUCKET = "dart"
FIRST = ROOT / "README.md"
"""It installs what the others go on from."""
PAGES = [FIRST, *(page for page in USER_PAGES if page != FIRST and blocks(page, "e2e"))]
HELM_HERE = """\
#!/bin/sh
# The page's command with this node's images and store: no pod here can pull, and the chart's own store has no volume.
case "$1" in
  install|upgrade) exec {helm} "$@" --values {values} --set objectStore.embedded.enabled=false ;;
  *) exec {helm} "$@" ;;
esac
"""


@pytest.fixture
def shell(platform: Platform, store: None, tmp_path: Path) -> Iterator[Shell]:
    """With Helm, kubectl and dart; all that they make goes, the definitions too."""
    import boto3

    node, s3 = platform.node, platform.s3
    keys = {"AWS_ACCESS_KEY_ID": s3.access_key, "AWS_SECRET_ACCESS_KEY": s3.secret_key}
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    remove_definitions(node)
    platform.namespace(SYSTEM)
    node.core.create_namespaced_secret(USERS, {"metadata": {"name": SECRET}, "stringData": keys})
    values = platform.values()
    values["objectStore"]["bucket"] = BUCKET
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    programs, folder = tmp_path / "programs", tmp_path / "page"
    programs.mkdir()
    folder.mkdir()
    helm = programs / "helm"
    helm.write_text(HELM_HERE.format(helm=HELM.need(), values=tmp_path / "values.yaml"))
    helm.chmod(helm.stat().st_mode | stat.S_IXUSR)
    environment = {**s3.environment(), "KUBECONFIG": str(node.kubeconfig), "BUCKET": BUCKET}
    with Shell(folder, environment, programs=[programs]) as made:
        yield made
        made.run(f"kubectl delete synthesis --all --namespace {USERS}; helm uninstall dart --namespace {SYSTEM} --wait")
    node.core.delete_namespaced_secret(SECRET, USERS)
    node.core.delete_namespace(SYSTEM)
    remove_definitions(node)


def test_what_the_pages_say_about_a_node_is_so(shell: Shell, platform: Platform) -> None:
    try:
        for page in PAGES:
            carried_out(shell, blocks(page, "e2e"))
    except (AssertionError, TimeoutError, EOFError) as error:
        told = "\n".join(pods_told(platform.node, name) for name in (SYSTEM, USERS))
        raise AssertionError(f"{error}\n{told}") from error
