"""The fixtures of all tests that need a cluster; tests/conftest.py loads them for every folder.

`cluster`    Session. A running `Cluster` (tests/cluster/access.py): the caller's by DART_TEST_KUBECONFIG, else a
             control plane of the harness. Starts when a test first asks; the test skips where it can't be had.
`plane`      Session. The same as a `ControlPlane` (tests/cluster/plane.py) with three fake nodes: faults, and pods that
             pretend to run (tests/cluster/pods.py). Skips on a caller's cluster.
`node`       Session. Another control plane, with one real node (tests/cluster/node): pods are containers. Skips where
             there is no root, and on a caller's cluster.
`namespace`  A new namespace for the test; deleted after it. Heals the control plane if a test before left it broken.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from . import sources

if TYPE_CHECKING:
    from .access import Cluster
    from .node.node import Node
    from .plane import ControlPlane

# The kubernetes client takes a second to import, so only tests that need it do.

NODES = 3
TAIL = 12
"""Lines of each log under a failed test."""


def pytest_report_header() -> str:
    try:
        return f"cluster: {sources.look() or 'none yet; the first test that needs one builds it'}"
    except LookupError as error:
        return f"cluster: {error}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    used = getattr(item, "funcargs", {})
    for running in (used.get("cluster"), used.get("node")):
        if report.failed and hasattr(running, "logs"):
            report.sections.append(("logs of the control plane", running.logs(TAIL)))
    return report


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    source = sources.need()
    from .access import Cluster
    from .folders import own_folder
    from .plane import ControlPlane, DidNotStart
    from .pods import add_nodes

    if isinstance(source, sources.Callers):
        found = Cluster(source.kubeconfig, tmp_path_factory.mktemp("cluster"))
        yield found
        found.close()
        return
    with own_folder() as folder, ExitStack() as stack:
        try:
            started = stack.enter_context(ControlPlane(source, folder))
        except DidNotStart as error:
            pytest.fail(str(error))
        add_nodes(started, NODES)
        yield started


@pytest.fixture(scope="session")
def plane(cluster: Cluster) -> ControlPlane:
    from .plane import ControlPlane

    if not isinstance(cluster, ControlPlane):
        pytest.skip("needs a control plane of the harness: unset DART_TEST_KUBECONFIG")
    return cluster


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    source = sources.need()
    from .folders import own_folder
    from .node.machine import lacks
    from .node.node import Node
    from .plane import DidNotStart

    if isinstance(source, sources.Callers):
        pytest.skip("needs a node of the harness: unset DART_TEST_KUBECONFIG")
    if (why := lacks()) is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"a node {why}")
        pytest.skip(f"a node {why}")
    with own_folder() as folder, ExitStack() as stack:
        try:
            started = stack.enter_context(Node(source, folder))
        except DidNotStart as error:
            pytest.fail(str(error))
        yield started


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    from .plane import ControlPlane

    if isinstance(cluster, ControlPlane):
        cluster.heal()
    name = cluster.namespace()
    yield name
    cluster.core.delete_namespace(name)
