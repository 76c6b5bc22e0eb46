"""One warm process and one node of processes for all whole runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cluster.plane import ControlPlane
    from tests.s3_server import S3Server

    from .runs import Setting
    from .standing import Standing

PATIENT = {"duration": 120.0, "renew": 100.0, "retry": 0.3}
"""Lease times of an operator in the test's own process, which has no second one."""
DECISIONS = {
    "allowedOutputs": {"*": ["s3://bucket/"]}, "foldFirst": 0.2, "foldMost": 0.5, "retryFirst": 0.5, "retryMost": 2.0,
    "quietSeconds": 3.0,
}  # fmt: skip
"""Short times, and one folder for outputs."""


@pytest.fixture(scope="session")
def setting(plane: ControlPlane, s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    from tests.operator.real import install_crds

    from .kubelet import Kubelet
    from .runs import Setting
    from .warmed import Warmed

    folder = tmp_path_factory.mktemp("whole")
    plane.heal()
    install_crds(plane)
    with Warmed(folder) as warmed, Kubelet(plane, warmed, folder) as kubelet:
        yield Setting(plane=plane, kubelet=kubelet, warmed=warmed, s3=s3_server, folder=folder)


@pytest.fixture(scope="module")
def here(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    from dart_k8s.names import STAGE
    from tests.cluster import pods
    from tests.operator.real import Folded, InProcess, install, settings

    from .standing import Standing

    plane.heal()
    namespace = plane.namespace()
    install(plane, namespace)
    folded = Folded(tmp_path_factory.mktemp("jobs"))
    ends = {pods.EXIT_CODE: "0", pods.RUNS_FOR: "50ms"}
    with ExitStack() as stack:
        stack.enter_context(pods.directed(plane, namespace, ends, {STAGE: "prepare"}))
        stack.enter_context(pods.directed(plane, namespace, {pods.ON_SIGTERM: "75"}, {STAGE: "sampler"}))
        found = settings(
            plane.kubeconfig_of("dart-operator", namespace), namespace, folded, lease=PATIENT, decisions=DECISIONS
        )
        operator = stack.enter_context(InProcess(found))
        yield Standing(plane, namespace, folded, operator)
    plane.core.delete_namespace(namespace)
