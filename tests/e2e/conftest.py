"""One node with the images and the S3 server for all tests; a release of the chart for each file that asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cluster.node.node import Node

    from .platform import Platform, Release
    from .runs import Run


@pytest.fixture(scope="session")
def platform(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    from tests import s3_server
    from tests.tools import HELM

    from .platform import Platform, load_images

    HELM.need()
    folder = node.folder / "e2e"
    folder.mkdir()
    load_images(node, folder)
    with s3_server.running(tmp_path_factory.mktemp("s3"), node.machine.outside) as s3:
        yield Platform(node, s3, folder)


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
