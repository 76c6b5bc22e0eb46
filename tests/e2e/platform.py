"""A node that has the images, a real S3 server that its pods reach, and releases of the chart by Helm."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.node.node import Node
from tests.packaging.containerfiles import ROOT
from tests.s3_server import S3Server
from tests.tools import HELM

from . import images
from .model_server import ModelServer

CHART = ROOT / "charts" / "dart"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
SECRET = "store"
SMALL = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "2Gi"}}
INSTALLS_WITHIN = "180s"
PREVIOUS = "previous"
"""Another tag of the same images."""
IMAGES = ("operator", "worker", "verifier")


@dataclass(frozen=True, slots=True)
class Platform:
    """What all releases of a session share."""

    node: Node
    s3: S3Server
    folder: Path
    model: ModelServer
    """Loads, if a test of this session asks for it."""

    def namespace(self, name: str | None = None) -> str:
        """A new one that enforces `restricted`, with the store's Secret."""
        made = self.node.namespace(name, RESTRICTED)
        keys = {"AWS_ACCESS_KEY_ID": self.s3.access_key, "AWS_SECRET_ACCESS_KEY": self.s3.secret_key}
        self.node.core.create_namespaced_secret(made, {"metadata": {"name": SECRET}, "stringData": keys})
        return made

    def values(self) -> dict[str, Any]:
        """What an engineer would write for this node: its store, its images, small pods; and short waits."""
        return {
            "image": {"registry": images.REGISTRY, "tag": images.VERSION, "pullPolicy": "Never"},
            "objectStore": {"endpoint": self.s3.endpoint, "bucket": self.s3.bucket, "secretName": SECRET},
            "operator": {
                "resources": SMALL,
                "logLevel": "debug",
                "lease": {"duration": 6, "renew": 4, "retry": 0.5},
                "folding": {"processes": 1, "memoryMib": 1024},
            },
            "pods": {"resources": dict.fromkeys(("prepare", "sampler", "verifier", "curate", "cleanup"), SMALL)},
            "decisions": {"foldFirst": 0.5, "foldMost": 2, "foldRest": 2, "retryFirst": 1, "retryMost": 5},
        }


@dataclass(frozen=True, slots=True)
class Release:
    """A release of the chart, by its name and namespace."""

    platform: Platform
    name: str
    namespace: str

    def helm(self, verb: str, *arguments: str | Path) -> str:
        """What helm printed. Raises AssertionError with what it said when it failed."""
        command = [HELM.need(), verb, self.name, *arguments, "--namespace", self.namespace]
        environment = {
            "KUBECONFIG": str(self.platform.node.kubeconfig), "HOME": str(self.platform.folder), "PATH": "/usr/bin:/bin"
        }  # fmt: skip
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, f"helm {verb}: {done.stdout}{done.stderr}\n{self.told()}"
        return done.stdout

    def apply(self, verb: str = "install", chart: Path = CHART, **values: Any) -> str:
        """`helm install` or `helm upgrade` and wait until the operator is ready. Definitions that a release before this
        one has left are taken over (docs/upgrading.md)."""
        flags = ["--take-ownership"] if verb == "install" else []
        file = self.platform.folder / f"{self.namespace}-{self.name}.yaml"
        file.write_text(yaml.safe_dump(_merged(self.platform.values(), values)))
        return self.helm(verb, chart, "--values", file, "--wait", "--timeout", INSTALLS_WITHIN, *flags)

    def uninstall(self) -> str:
        """And wait until its objects are gone."""
        return self.helm("uninstall", "--wait", "--timeout", INSTALLS_WITHIN)

    def operators(self) -> list[str]:
        """Names of its pods."""
        chosen = f"app.kubernetes.io/component=operator,app.kubernetes.io/instance={self.name}"
        found = self.platform.node.core.list_namespaced_pod(self.namespace, label_selector=chosen).items
        return [pod.metadata.name for pod in found if not pod.metadata.deletion_timestamp]

    def images(self) -> list[str]:
        """Of its pods' containers."""
        core = self.platform.node.core
        return [core.read_namespaced_pod(name, self.namespace).spec.containers[0].image for name in self.operators()]

    def leader(self) -> str | None:
        """The pod that holds the Lease."""
        found = self.platform.node.call("GET", f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases")
        holders = [lease["spec"].get("holderIdentity") or "" for lease in found["items"]]
        return next((pod for pod in self.operators() for holder in holders if pod in holder), None)

    def told(self) -> str:
        """Pods of the release's namespace and the ends of their logs."""
        return pods_told(self.platform.node, self.namespace)


def pods_told(node: Node, namespace: str, lines: int = 25) -> str:
    """Each pod with its state and the end of its log."""
    parts = []
    for pod in node.core.list_namespaced_pod(namespace).items:
        states = [one.state.to_dict() for one in pod.status.container_statuses or ()]
        try:
            log = "\n".join(node.log(namespace, pod.metadata.name).splitlines()[-lines:])
        except Exception as error:  # it may not have started
            log = f"no log: {error!r:.200}"
        parts.append(f"== {pod.metadata.name}: {pod.status.phase} {states}\n{log}")
    events = [
        f"{one.involved_object.name}: {one.reason}: {one.message}"
        for one in node.core.list_namespaced_event(namespace).items
        if one.type != "Normal"
    ]
    return "\n".join([*parts, *events[-20:]])


@contextmanager
def released(platform: Platform, name: str = "dart") -> Iterator[Release]:
    """Installed in a namespace of its own, uninstalled at the end."""
    made = Release(platform, name, platform.namespace())
    made.apply()
    yield made
    made.uninstall()


def load_images(node: Node, folder: Path) -> None:
    """Build those that pods of a test need, and give them to the node."""
    made = [images.build(name, folder) for name in IMAGES]
    older = [replace(image, name=image.name.replace(f":{images.VERSION}", f":{PREVIOUS}")) for image in made]
    node.runtime.load(*made, *older)


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(one)
    for key, value in other.items():
        made[key] = _merged(made[key], value) if isinstance(made.get(key), dict) and isinstance(value, dict) else value
    return made
