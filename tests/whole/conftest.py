"""One warm process and one node of processes for all whole runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cluster.plane import ControlPlane
    from tests.s3_server import S3Server

    from .runs import Setting


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
