"""The embedded store with the flags and the script that the chart gives it, as a process of this machine."""

import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from dart_k8s.edges.store import open_store, probe
from dart_k8s.errors import AccessDenied
from tests.s3_server import free_ports, weed

from .rendering import Object, example, template, the

KEYS = {"AWS_ACCESS_KEY_ID": "dart-made-up", "AWS_SECRET_ACCESS_KEY": "made-up-secret"}
STARTS_WITHIN = 90.0
OTHER_PORTS = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc")


def container(objects: list[Object]) -> Object:
    [found] = the("StatefulSet", objects)["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a server that runs as the container would, on ports that are free here."""
    program, folder = Path(weed()), tmp_path_factory.mktemp("embedded")
    made = container(example("embedded"))
    *others, grpc, s3 = free_ports(len(OTHER_PORTS) + 2)
    arguments = [a.replace("/data", str(folder)).replace("0.0.0.0", "127.0.0.1") for a in made["args"]]
    # Of flags that are given twice the last one counts.
    arguments += [f"-{name}={port}" for name, port in zip(OTHER_PORTS, others, strict=True)]
    arguments += [f"-s3.port.grpc={grpc}", f"-s3.port={s3}"]
    environment = {"PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": str(folder), **KEYS}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*made["command"], *arguments], env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
    try:
        script = made["lifecycle"]["postStart"]["exec"]["command"]
        # By its own notation, HTTP.gRPC: by default the second is the first plus 10,000.
        hook = [part.replace("127.0.0.1:9333", f"127.0.0.1:{others[0]}.{others[1]}") for part in script]
        subprocess.run(hook, env=environment, cwd=folder, check=True, timeout=STARTS_WITHIN)
        url = f"http://127.0.0.1:{s3}"
        ready(f"{url}{made['readinessProbe']['httpGet']['path']}")
        yield url
    finally:
        server.kill()
        server.wait()


def ready(url: str) -> None:
    ends = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                assert answer.status == 200
                return
        except OSError:
            assert time.monotonic() < ends, f"{url} does not answer"
            time.sleep(0.2)


def credentials(monkeypatch: pytest.MonkeyPatch, endpoint: str, **keys: str) -> None:
    """As the chart's Secret and variables give them to pods."""
    own = {"AWS_REGION": "us-east-1", "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    for name, value in {"AWS_ENDPOINT_URL_S3": endpoint, **own, **keys}.items():
        monkeypatch.setenv(name, value)


def test_its_bucket_is_there_and_can_carry_a_run(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials(monkeypatch, endpoint, **KEYS)
    store = open_store("s3://dart/runs/one")
    assert list(store.list()) == []
    probe(store)


def test_nobody_gets_in_without_its_keys(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials(monkeypatch, endpoint, AWS_ACCESS_KEY_ID="somebody", AWS_SECRET_ACCESS_KEY="else")
    with pytest.raises(AccessDenied):
        list(open_store("s3://dart/runs/one").list())


def test_the_address_that_pods_get_is_the_services() -> None:
    objects = template(values={"objectStore": {"embedded": {"enabled": True}}})
    settings = the("ConfigMap", objects)["data"]["settings.yaml"]
    service = the("Service", objects, "dart-object-store")
    [port] = service["spec"]["ports"]
    assert f"http://dart-object-store.runs.svc.cluster.local:{port['port']}\n" in settings
    assert f"-s3.port={port['port']}" in container(objects)["args"]
