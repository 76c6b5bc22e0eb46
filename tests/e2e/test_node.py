"""A pod under the `restricted` policy is a container of a real node, and reaches what it may reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import images
from .pods import restricted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.node.node import Node


def test_a_restricted_pod_runs_as_its_user_and_is_asked_for_its_log(node: Node, tmp_path: Path) -> None:
    from tests.cluster.node.archive import Image

    node.runtime.load(Image("localhost/python:e2e", [images.base(tmp_path)], {"User": "65532:65532"}))
    namespace = node.namespace(labels={"pod-security.kubernetes.io/enforce": "restricted"})
    says = "import os, socket; print(os.getuid(), socket.gethostbyname('kubernetes.default.svc.cluster.local'))"
    pod: dict[str, Any] = restricted("first", "localhost/python:e2e", ["/usr/local/bin/python3", "-c", says])
    node.core.create_namespaced_pod(namespace, pod)
    node.eventually(lambda: node.core.read_namespaced_pod("first", namespace).status.phase == "Succeeded", "the pod")
    assert node.log(namespace, "first").split() == ["65532", "10.96.0.1"]
