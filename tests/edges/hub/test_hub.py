"""Models and data sets against a small hub on loopback, spoken to by the real client."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from huggingface_hub import HfApi

from dart_k8s.edges.hub import open_dataset, push_folder, resolve_model
from dart_k8s.edges.store import open_store
from dart_k8s.errors import AccessDenied, DataError, SpecError, StoreUnavailable

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "config.json": b'{"model_type": "llama"}',
    "model.safetensors": b"weights" * 100,
    "pytorch_model.bin": b"the same weights again",
    "tokenizer.json": b"{}",
}


@dataclass
class FakeHub:
    """What the hub keeps, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))
    asked: list[str] = field(default_factory=list)
    bodies: dict[str, bytes] = field(default_factory=dict)
    fault: tuple[int, str] | None = None
    """(status, error code) for every request."""
    endpoint: str = ""


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub

    def do_GET(self) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        hub.asked.append(f"{self.command} {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        hub.bodies[path] = body
        if hub.fault:
            status, code = hub.fault
            self.answer(status, b"{}", {"X-Error-Code": code, "X-Error-Message": code})
        elif path.startswith(("/api/models/o/m/tree/", "/api/datasets/o/set/tree/")):
            tree = [
                {"type": "file", "path": name, "size": len(data), "oid": sha1(data).hexdigest()}
                for name, data in hub.files.items()
            ]
            self.answer(200, json.dumps(tree).encode())
        elif path.startswith(("/api/models/o/m/revision/nope", "/api/models/o/m/revision/deadbeef")):
            self.answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        elif path in {"/api/models/o/m", f"/api/models/o/m/revision/{COMMIT}", "/api/models/o/m/revision/main"}:
            info = {"id": "o/m", "sha": COMMIT, "siblings": [{"rfilename": name} for name in hub.files]}
            self.answer(200, json.dumps(info).encode())
        elif path.startswith(f"/o/m/resolve/{COMMIT}/") and (data := hub.files.get(path.split("/", 5)[5])) is not None:
            self.answer(200, data, {"ETag": f'"{sha1(data).hexdigest()}"', "X-Repo-Commit": COMMIT})
        elif path == "/api/datasets/o/set":
            self.answer(200, json.dumps({"id": "o/set", "sha": COMMIT, "siblings": []}).encode())
        elif path == "/api/repos/create":
            where = "datasets/o/set" if json.loads(body).get("type") == "dataset" else "o/m"
            self.answer(200, json.dumps({"url": f"{hub.endpoint}/{where}"}).encode())
        elif path in {"/api/datasets/o/set/preupload/main", "/api/models/o/m/preupload/main"}:
            names = [file["path"] for file in json.loads(body)["files"]]
            files = [{"path": name, "uploadMode": "regular", "shouldIgnore": False} for name in names]
            self.answer(200, json.dumps({"files": files}).encode())
        elif path in {"/api/datasets/o/set/commit/main", "/api/models/o/m/commit/main"}:
            done = {"commitUrl": f"{hub.endpoint}/datasets/o/set/commit/{COMMIT}", "commitOid": COMMIT, "success": True}
            self.answer(200, json.dumps(done).encode())
        elif path == "/api/validate-yaml":
            self.answer(200, b'{"errors": [], "warnings": []}')
        else:
            self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    do_HEAD = do_GET  # noqa: N815
    do_POST = do_GET  # noqa: N815

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    hub = FakeHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield hub
    server.shutdown()
    server.server_close()
    thread.join()


# -- models


def test_a_model_of_the_hub_is_downloaded_once_and_pinned(hub: FakeHub, tmp_path: Path) -> None:
    api = HfApi(endpoint=hub.endpoint, token=False)
    model = resolve_model("hf://o/m", cache=tmp_path, api=api)
    assert model.revision == COMMIT
    assert {path.name for path in model.path.iterdir()} == {"config.json", "model.safetensors", "tokenizer.json"}
    assert (model.path / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    hub.asked.clear()
    assert resolve_model("hf://o/m", cache=tmp_path, api=api) == model
    assert not any("GET" in asked and "/resolve/" in asked for asked in hub.asked)
    hub.asked.clear()
    assert resolve_model("hf://o/m", COMMIT, cache=tmp_path, offline=True, api=api) == model
    assert hub.asked == []


def test_a_model_that_has_only_one_kind_of_weights_keeps_it(hub: FakeHub, tmp_path: Path) -> None:
    del hub.files["model.safetensors"]
    model = resolve_model("hf://o/m@main", cache=tmp_path, api=HfApi(endpoint=hub.endpoint, token=False))
    assert (model.path / "pytorch_model.bin").exists()
    assert model.revision == COMMIT


@pytest.mark.parametrize(
    ("uri", "revision", "fault", "error", "words"),
    [
        ("hf://o/unknown", None, None, SpecError, "no such model"),
        ("hf://o/m", "nope", None, SpecError, "no revision 'nope'"),
        ("hf://o/m", None, (403, "GatedRepo"), AccessDenied, "gated.*HF_TOKEN"),
        ("hf://o/m", None, (403, ""), AccessDenied, "403.*HF_TOKEN"),
        ("hf://o/m", None, (503, ""), StoreUnavailable, "503"),
        ("hf://m", None, None, SpecError, "hf://owner/name"),
        ("hf://o/m/x", None, None, SpecError, "two parts"),
        ("hf://o/m@a", "b", None, SpecError, "'a'.*'b'"),
        ("hf://o/-m-", None, None, SpecError, "o/-m-"),
    ],
)
def test_a_model_that_cannot_be_had_says_why(
    hub: FakeHub, tmp_path: Path, uri: str, revision: str | None, fault: Any, error: type[Exception], words: str
) -> None:
    hub.fault = fault
    with pytest.raises(error, match=words):
        resolve_model(uri, revision, cache=tmp_path, api=HfApi(endpoint=hub.endpoint, token=False))


def test_a_model_that_is_not_in_the_cache_is_said_so_offline(tmp_path: Path) -> None:
    store = open_store("memory://models-offline")
    _upload(store)
    for uri in ("hf://o/m", "memory://models-offline/m"):
        with pytest.raises(StoreUnavailable, match=r"not.*in the cache"):
            resolve_model(uri, cache=tmp_path, offline=True, store_opener=open_store)


def _folder(path: Path, **files: bytes) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for name, data in {**FILES, **files}.items():
        (path / name).write_bytes(data)
    return path


def _upload(store: Any, **files: bytes) -> None:
    for name, data in {**FILES, **files}.items():
        store.put(f"m/{name}", data)


def test_a_folders_revision_depends_on_its_files_alone(tmp_path: Path) -> None:
    one, two = _folder(tmp_path / "one"), _folder(tmp_path / "two words")
    (two / ".cache").mkdir()
    (two / ".cache" / "x").write_text("not the model's")
    first = resolve_model(str(one), cache=tmp_path)
    assert first.path == one and first.revision.startswith("sha256:")
    second = resolve_model(two.as_uri(), first.revision, cache=tmp_path)
    assert second.path == two and second.revision == first.revision


@pytest.mark.parametrize("place", [0, 2_000_000, 3_999_990])
def test_other_weights_of_the_same_size_are_another_revision(tmp_path: Path, place: int) -> None:
    weights = bytearray(4_000_000)
    before = resolve_model(str(_folder(tmp_path / "m", **{"model.safetensors": bytes(weights)})), cache=tmp_path)
    weights[place] = 1
    _folder(tmp_path / "m", **{"model.safetensors": bytes(weights)})
    assert resolve_model(str(tmp_path / "m"), cache=tmp_path).revision != before.revision
    with pytest.raises(SpecError, match=f"asks for {before.revision}"):
        resolve_model(str(tmp_path / "m"), before.revision, cache=tmp_path)


def test_a_folder_that_is_no_model_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text("{}")
    _folder(tmp_path / "outer" / "checkpoint-10")
    (tmp_path / "empty").mkdir()
    for name, words in {
        "nowhere": "is not there",
        "adapter": "an adapter without its base model",
        "outer": "no config.json. Did you mean .*outer/checkpoint-10",
        "empty": "no config.json. Nothing is there",
        "adapter/adapter_config.json": "is a file",
    }.items():
        with pytest.raises(SpecError, match=words):
            resolve_model(str(tmp_path / name), cache=tmp_path)
    with pytest.raises(SpecError, match=r"ftp://.*s3://"):
        resolve_model("ftp://x/y", cache=tmp_path)


def test_a_model_in_a_store_is_downloaded_once_per_version(tmp_path: Path) -> None:
    store = open_store("memory://models")
    _upload(store)
    first = resolve_model("memory://models/m", cache=tmp_path, store_opener=open_store)
    assert {path.name: path.read_bytes() for path in first.path.iterdir()} == FILES
    stamp = (first.path / "config.json").stat().st_mtime_ns
    again = resolve_model("memory://models/m/", first.revision, cache=tmp_path, store_opener=open_store)
    assert again == first and (first.path / "config.json").stat().st_mtime_ns == stamp
    _upload(store, **{"model.safetensors": b"better"})
    second = resolve_model("memory://models/m", cache=tmp_path, store_opener=open_store)
    assert second.revision != first.revision and (second.path / "model.safetensors").read_bytes() == b"better"
    offline = resolve_model("memory://models/m", cache=tmp_path, offline=True, store_opener=open_store)
    assert offline == second
    pinned = resolve_model("memory://models/m", first.revision, cache=tmp_path, offline=True, store_opener=open_store)
    assert pinned == first


# -- data sets


def _load(repo: str, config: str | None, *, revision: str) -> dict[str, list[dict[str, Any]]]:
    if repo == "o/set" and config not in {None, "main"}:
        raise ValueError("BuilderConfig 'x' not found. Available: ['main']")
    assert revision == COMMIT
    return {"train": [{"q": "1"}, {"q": "2"}], "test": [{"q": "3"}]} if config else {"train": [{"q": "1"}]}


def test_a_data_set_is_read_at_the_commit_it_had(hub: FakeHub) -> None:
    api = HfApi(endpoint=hub.endpoint, token=False)
    for uri, split, rows in (
        ("hf://o/set", None, ["1"]),
        ("hf://o/set/main", "test", ["3"]),
        ("hf://datasets/o/set/main", "train", ["1", "2"]),
    ):
        found = open_dataset(uri, split, api=api, load=_load)
        assert (found.revision, found.count) == (COMMIT, len(rows))
        assert [row["q"] for row in found] == rows == [row["q"] for row in found]


@pytest.mark.parametrize(
    ("uri", "split", "error", "words"),
    [
        ("hf://o/set/main", None, DataError, r"several splits.*\['test', 'train'\]"),
        ("hf://o/set/main", "dev", DataError, r"no split 'dev'.*\['test', 'train'\]"),
        ("hf://o/set/x", None, DataError, r"Available: \['main'\]"),
        ("hf://o/unknown", None, SpecError, "no such data set"),
    ],
)
def test_a_data_set_that_cannot_be_read_says_why(
    hub: FakeHub, uri: str, split: str | None, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        open_dataset(uri, split, api=HfApi(endpoint=hub.endpoint, token=False), load=_load)


def test_a_folder_is_published_as_one_commit_without_hidden_files(hub: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n# Card\n")
    (tmp_path / "train-00000.jsonl").write_text('{"query": "1+1"}\n')
    (tmp_path / ".dart-tmp-12").write_text("half")
    address = push_folder(tmp_path, "o/set", private=True, token="hf_x", endpoint=hub.endpoint)
    assert address == f"{hub.endpoint}/datasets/o/set"
    made = json.loads(hub.bodies["/api/repos/create"])
    assert made["type"] == "dataset"
    assert made.get("private") is True or made.get("visibility") == "private"
    lines = [json.loads(line) for line in hub.bodies["/api/datasets/o/set/commit/main"].splitlines()]
    files = sorted(line["value"]["path"] for line in lines if line["key"] == "file")
    assert files == ["README.md", "train-00000.jsonl"]


def test_publishing_nothing_or_without_permission_says_so(hub: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="nothing in it"):
        push_folder(tmp_path, "o/set", private=False, token="hf_x", endpoint=hub.endpoint)
    (tmp_path / "x.jsonl").write_text("{}\n")
    hub.fault = (401, "")
    with pytest.raises(AccessDenied, match=r"o/set.*HF_TOKEN"):
        push_folder(tmp_path, "o/set", private=False, token="hf_x", endpoint=hub.endpoint)
    with pytest.raises(SpecError, match="owner/name"):
        push_folder(tmp_path, "set", private=False, token="hf_x", endpoint=hub.endpoint)


def test_a_hub_that_nobody_answers_for_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("{}\n")
    with pytest.raises(StoreUnavailable, match="o/set"):
        push_folder(tmp_path, "o/set", private=False, token="hf_x", endpoint="http://127.0.0.1:9")
