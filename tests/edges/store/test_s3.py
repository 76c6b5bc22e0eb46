"""The S3 store beside the contract: lost replies, busy and broken servers, credentials, other servers' orders."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session
from hypothesis import given
from hypothesis import strategies as st

from dart_k8s.edges.store import MemoryStore, open_store, probe
from dart_k8s.edges.store.base import Entry
from dart_k8s.edges.store.ordering import in_byte_order, safe_start
from dart_k8s.edges.store.s3 import ATTEMPTS, S3Store
from dart_k8s.errors import AccessDenied, Conflict, SpecError, StoreError, StoreFull, StoreUnavailable
from tests.s3_server import S3Server

Answer = Callable[[Any], AWSResponse | None]


class _Raw:
    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.body


def answer(status: int, code: str) -> Answer:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>said so</Message></Error>".encode()
    return lambda request: AWSResponse(request.url, status, {"Content-Type": "application/xml"}, _Raw(body))


def written_but_reply_lost(request: Any) -> AWSResponse | None:
    URLLib3Session().send(request.prepare() if hasattr(request, "prepare") else request)
    raise ReadTimeoutError(endpoint_url=request.url)


def never_arrived(request: Any) -> AWSResponse | None:
    raise ReadTimeoutError(endpoint_url=request.url)


class Faulty:
    """A store whose next requests of one operation meet what `faults` says, and which keeps what it would sleep."""

    def __init__(self, uri: str, operation: str, *faults: Answer, **settings: Any) -> None:
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        self.pauses: list[float] = []
        self.store = S3Store(bucket, prefix, sleep=self.pauses.append, draw=lambda: 1.0, **settings)
        self.faults = list(faults)
        self.operation = operation
        # On the same event as the store's own counter, and after it, so that what never arrives is counted too.
        self.store._client.meta.events.register("before-send.s3", self.meet)

    def meet(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        if self.faults and event_name.endswith(f".{self.operation}"):
            return self.faults.pop(0)(request)
        return None


def test_a_conditional_write_whose_reply_was_lost_counts_as_done(s3_uri: str) -> None:
    faulty = Faulty(s3_uri, "PutObject", written_but_reply_lost)
    etag = faulty.store.put_if_absent("k", b"nonce 1")
    assert faulty.store.get("k").etag == etag
    faulty.faults = [written_but_reply_lost]
    assert faulty.store.put_if_match("k", b"nonce 2", etag) == faulty.store.get("k").etag
    assert faulty.store.get("k").data == b"nonce 2"


def test_a_lost_reply_to_the_last_try_is_found_out_by_reading(s3_uri: str) -> None:
    faulty = Faulty(s3_uri, "PutObject", written_but_reply_lost, attempts=1)
    assert faulty.store.put_if_absent("k", b"nonce") == faulty.store.get("k").etag


def test_a_write_that_never_arrived_is_repeated(s3_uri: str) -> None:
    faulty = Faulty(
        s3_uri, "PutObject", never_arrived, answer(503, "SlowDown"), answer(409, "ConditionalRequestConflict")
    )
    faulty.store.put_if_absent("k", b"x")
    assert faulty.store.get("k").data == b"x"
    assert faulty.pauses == [0.2, 0.4, 0.8]
    assert faulty.store.requests()["put"] == 4


def test_a_repeated_write_that_lost_meanwhile_is_a_conflict(s3_uri: str) -> None:
    def other_wins(request: Any) -> AWSResponse | None:
        open_store(s3_uri).put("k", b"theirs")
        raise ReadTimeoutError(endpoint_url=request.url)

    faulty = Faulty(s3_uri, "PutObject", other_wins)
    with pytest.raises(Conflict):
        faulty.store.put_if_absent("k", b"mine")
    assert faulty.store.get("k").data == b"theirs"


@pytest.mark.parametrize("fault", [answer(500, "InternalError"), answer(503, "SlowDown"), never_arrived])
def test_a_store_that_stays_down_is_unavailable_after_bounded_tries(s3_uri: str, fault: Answer) -> None:
    for operation, use in (
        ("GetObject", lambda store: store.get("k")),
        ("HeadObject", lambda store: store.head("k")),
        ("ListObjectsV2", lambda store: list(store.list())),
        ("DeleteObject", lambda store: store.delete("k")),
        ("PutObject", lambda store: store.put("k", b"x")),
    ):
        faulty = Faulty(s3_uri, operation, *[fault] * 20)
        with pytest.raises(StoreUnavailable, match="s3://"):
            use(faulty.store)
        assert len(faulty.pauses) == ATTEMPTS - 1


@pytest.mark.parametrize(
    ("status", "code", "error", "words"),
    [
        (400, "ExpiredToken", AccessDenied, "have expired"),
        (403, "RequestTimeTooSkewed", AccessDenied, "clock"),
        (403, "AccessDenied", AccessDenied, "allow them"),
        (507, "XMinioStorageFull", StoreFull, "quota"),
        (403, "QuotaExceeded", StoreFull, "quota"),
        (501, "NotImplemented", StoreError, "conditional writes"),
        (400, "AuthorizationHeaderMalformed", StoreError, "AWS_REGION"),
        (400, "Whatever", StoreError, "400 Whatever .said so."),
    ],
)
def test_an_answer_becomes_words_and_a_way_out(
    s3_uri: str, status: int, code: str, error: type[StoreError], words: str
) -> None:
    faulty = Faulty(s3_uri, "PutObject", answer(status, code))
    with pytest.raises(error, match=words) as caught:
        faulty.store.put_if_absent("state/owner", b"x")
    assert "state/owner" in str(caught.value) and s3_uri in str(caught.value)
    assert faulty.pauses == []


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("AWS_SECRET_ACCESS_KEY", "wrong", "AWS_SECRET_ACCESS_KEY"),
        ("AWS_ACCESS_KEY_ID", "nobody", "AWS_ACCESS_KEY_ID"),
        ("AWS_ACCESS_KEY_ID", "dart-reader", "allow them to get, put, list and delete"),
    ],
)
def test_wrong_credentials_say_what_to_check(
    s3_uri: str, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(AccessDenied, match=words):
        probe(open_store(s3_uri))


def test_no_credentials_at_all_say_how_to_give_some(s3_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(AccessDenied, match="AWS_PROFILE"):
        open_store(s3_uri).get("k")


def test_an_unknown_bucket_is_the_declarations_fault(s3_environment: S3Server) -> None:
    with pytest.raises(SpecError, match="no bucket 'no-such-bucket'"):
        open_store("s3://no-such-bucket/runs").put("k", b"x")


def test_a_bucket_name_that_cannot_be_is_an_error_in_words(s3_environment: S3Server) -> None:
    with pytest.raises(StoreError, match="Invalid bucket name"):
        open_store("s3://Not a Bucket/runs").put("k", b"x")


def test_an_endpoint_that_nobody_listens_on_is_named(s3_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
        with pytest.raises(StoreUnavailable, match=f"{endpoint}.*AWS_ENDPOINT_URL_S3"):
            Faulty(s3_uri, "GetObject").store.get("k")


@pytest.mark.parametrize(
    ("variable", "value"), [("AWS_PROFILE", "not-there"), ("AWS_ENDPOINT_URL_S3", "localhost:9000")]
)
def test_settings_that_cannot_be_are_the_users_fault(
    s3_uri: str, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SpecError, match=variable):
        open_store(s3_uri)


def test_listing_pages_are_followed(s3_uri: str) -> None:
    store = Faulty(s3_uri, "GetObject", page_size=2).store
    names = [f"a/{i}" for i in range(5)] + ["a-b", "b"]
    for name in names:
        store.put(name, b"x")
    assert [entry.key for entry in store.list()] == sorted(names)
    assert [entry.key for entry in store.list("a/", "a/2")] == ["a/3", "a/4"]
    assert store.delete_prefix("a/") == 5


def test_a_file_above_the_part_size_goes_up_in_parts(s3_uri: str, tmp_path: Path) -> None:
    data = bytes(range(256)) * 4096 * 11
    (tmp_path / "big").write_bytes(data)
    store = Faulty(s3_uri, "UploadPart", never_arrived, part_bytes=5 << 20).store
    etag = store.upload(tmp_path / "big", "big")
    assert store.requests()["put"] == 1 + 4 + 1
    blob = store.get("big")
    entry = store.head("big")
    assert blob.data == data and entry is not None
    assert blob.etag == entry.etag == etag == next(iter(store.list("big"))).etag
    assert store.put_if_match("big", b"small", etag)


def test_a_store_that_ignores_conditions_is_refused_by_the_probe() -> None:
    class Careless(MemoryStore):
        def put_if_match(self, key: str, data: bytes, etag: str) -> str:
            return self.put(key, data)

    class Generous(MemoryStore):
        def put_if_absent(self, key: str, data: bytes) -> str:
            return self.put(key, data)

    for store, words in ((Careless("memory://careless"), "If-Match"), (Generous("memory://generous"), "If-None-Match")):
        with pytest.raises(StoreError, match=f"{store.uri}.*{words}.*local folder"):
            probe(store)
        assert list(store.list()) == []


def test_a_store_that_checks_first_and_writes_later_is_refused_by_the_probe() -> None:
    import threading

    class Racy(MemoryStore):
        together = threading.Barrier(4, timeout=1)

        def put_if_match(self, key: str, data: bytes, etag: str) -> str:
            found = self.head(key)
            if found is None or found.etag != etag:
                raise Conflict("moved on")
            if b"racer" in data:
                self.together.wait()
            return self.put(key, data)

    with pytest.raises(StoreError, match="4 were told that they had won"):
        probe(Racy("memory://racy"))


PARTS = st.text(alphabet="ab-.0", min_size=1, max_size=3)
TREES = st.sets(st.lists(PARTS, min_size=1, max_size=3).map("/".join), max_size=15)


def _entries(keys: list[str]) -> list[Entry]:
    return [Entry(key=key, size=0, etag="") for key in keys]


@given(names=TREES, base=st.sampled_from(["", "a/", "a-/"]))
def test_both_servers_orders_become_the_order_of_bytes(names: set[str], base: str) -> None:
    keys = [base + name for name in names]
    for order in (sorted(keys), sorted(keys, key=lambda key: key.split("/"))):
        assert [entry.key for entry in in_byte_order(_entries(order), base)] == sorted(keys)


@given(names=TREES, start_after=st.lists(PARTS, min_size=1, max_size=3).map("/".join), base=st.sampled_from(["", "a/"]))
def test_a_safe_start_skips_nothing_in_either_order(names: set[str], start_after: str, base: str) -> None:
    after = base + start_after
    start = safe_start(after, base)
    for key in (base + name for name in names):
        if key > after:
            assert key > start and key.split("/") > start.split("/")
            assert not key.startswith(start + "/") or not start


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("gs://bucket/x", "no store speaks gs://.*s3://bucket/prefix"),
        ("s3://", "names no bucket"),
        ("", "empty"),
        ("file://relative/x", "file:///relative/x"),
    ],
)
def test_a_uri_that_names_no_store_is_refused_with_the_way_out(uri: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        open_store(uri)


def test_plain_paths_and_file_uris_are_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    uris = {open_store(uri).uri for uri in ("out run", "./out run/", f"{tmp_path}/out run", "~/out run")}
    uris |= {open_store(f"file://{tmp_path}/out run").uri, open_store(f"file://{tmp_path}/out%20run/").uri}
    assert uris == {(tmp_path / "out run").as_uri()}
