"""One node with the images and the S3 server for all tests; a release of the chart for each file that asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cluster.node.node import Node

    from .platform import Platform, Release
    from .runs import Run

LATE = Path(__file__).with_name("test_release.py")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who asks vLLM comes last in its file: it loads while the others run."""
    here = [number for number, item in enumerate(items) if item.path == LATE]
    ordered = sorted((items[number] for number in here), key=_asks_vllm)
    for number, item in zip(here, ordered, strict=True):
        items[number] = item


def _asks_vllm(item: pytest.Item) -> bool:
    return "vllm" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session")
def platform(
    request: pytest.FixtureRequest, node: Node, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    from tests import s3_server
    from tests.tools import HELM

    from .model_server import ModelServer
    from .platform import Platform, load_images

    HELM.need()
    model = ModelServer(node)
    if any(map(_asks_vllm, request.session.items)):
        model.start()
    folder = node.folder / "e2e"
    folder.mkdir()
    load_images(node, folder)
    with s3_server.running(tmp_path_factory.mktemp("s3"), node.machine.outside) as s3:
        yield Platform(node, s3, folder, model)


@pytest.fixture
def vllm(platform: Platform) -> str:
    """The base URL of a vLLM server with a real model, for pods."""
    return platform.model.url()


@pytest.fixture(scope="module")
def release(platform: Platform) -> Iterator[Release]:
    from .platform import released

    with released(platform) as made:
        yield made


@pytest.fixture
def store(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test itself reads the store."""
    for name, value in platform.s3.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def run(platform: Platform, store: None) -> Run:
    """A namespace without a Synthesis yet. It stays: what is left in it is seen when a test fails."""
    from .runs import Run

    return Run(platform, platform.namespace())
