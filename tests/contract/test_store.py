"""What every store promises, on the memory, a folder, and a real S3 server."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dart_k8s.edges.store import LocalStore, MemoryStore, Store, open_store, probe
from dart_k8s.errors import Conflict, NotFound, StoreError

PLACES = ["memory", "folder", "s3"]


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    match request.param:
        case "memory":
            return f"memory://{uuid.uuid4().hex}"
        case "folder":
            return (tmp_path / "store").as_uri()
        case _:
            return str(request.getfixturevalue("s3_uri"))


@pytest.fixture
def store(place: str) -> Store:
    return open_store(place)


def keys(store: Store, prefix: str = "", start_after: str = "") -> list[str]:
    return [entry.key for entry in store.list(prefix, start_after)]


# -- reading and writing


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 3], ids=["empty", "one byte", "all bytes"])
def test_what_was_put_is_got_back(store: Store, data: bytes) -> None:
    etag = store.put("state/budget", data)
    blob = store.get("state/budget")
    assert (blob.data, blob.etag) == (data, etag)


def test_put_replaces_what_was_there(store: Store) -> None:
    store.put("k", b"old and longer")
    store.put("k", b"new")
    assert store.get("k").data == b"new"


def test_a_versions_etag_is_the_same_from_every_request(store: Store, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"from a file")
    for etag in (
        store.put("a/k", b"1"),
        store.put_if_match("a/k", b"2", store.get("a/k").etag),
        store.put("a/k", b"3"),
    ):
        assert etag
    etags = {
        "a/k": etag,
        "b/k": store.put_if_absent("b/k", b""),
        "c/k": store.upload(tmp_path / "f", "c/k"),
    }
    for key, etag in etags.items():
        entry = store.head(key)
        assert entry is not None
        assert {etag, store.get(key).etag, store.get_range(key, 0, 1).etag, entry.etag} == {etag}
    assert {entry.key: entry.etag for entry in store.list()} == etags


def test_different_content_has_a_different_etag(store: Store) -> None:
    assert len({store.put("k", f"{i}".encode()) for i in range(20)}) == 20


def test_reading_what_is_not_there_says_so(store: Store, tmp_path: Path) -> None:
    store.put("folder/k", b"x")
    for key in ("nothing", "folder", "folder/other", "folder/k2/deeper"):
        assert store.head(key) is None
        for read in (
            store.get,
            lambda key: store.get_range(key, 0, 3),
            lambda key: store.download(key, tmp_path / "f"),
        ):
            with pytest.raises(NotFound) as caught:
                read(key)
            assert key in str(caught.value) and store.uri in str(caught.value)
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [(0, 4, b"0123"), (3, 2, b"34"), (8, 100, b"89"), (10, 5, b""), (99, 5, b""), (2, 0, b""), (0, 10, b"0123456789")],
)
def test_a_range_is_cut_at_the_objects_end(store: Store, start: int, length: int, expected: bytes) -> None:
    etag = store.put("k", b"0123456789")
    blob = store.get_range("k", start, length)
    assert (blob.data, blob.etag) == (expected, etag)


def test_a_range_of_an_empty_object_is_empty(store: Store) -> None:
    store.put("k", b"")
    assert store.get_range("k", 0, 8).data == b""


def test_a_negative_range_is_the_callers_mistake(store: Store) -> None:
    store.put("k", b"x")
    for start, length in ((-1, 3), (0, -3)):
        with pytest.raises(ValueError, match="must not be negative"):
            store.get_range("k", start, length)


def test_a_big_object_comes_back_whole(store: Store, tmp_path: Path) -> None:
    data = os.urandom(1 << 20) * 20
    source, target = tmp_path / "source", tmp_path / "deeper" / "target"
    source.write_bytes(data)
    etag = store.upload(source, "pool/part-00000.parquet")
    entry = store.head("pool/part-00000.parquet")
    assert entry is not None and (entry.size, entry.etag) == (len(data), etag)
    store.download("pool/part-00000.parquet", target)
    assert target.read_bytes() == data
    assert store.get_range("pool/part-00000.parquet", len(data) - 7, 100).data == data[-7:]
    assert [path.name for path in target.parent.iterdir()] == ["target"]


def test_downloading_replaces_an_older_file(store: Store, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    store.put("k", b"new")
    store.download("k", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == b"new"


# -- deleting


def test_deleting_is_idempotent(store: Store) -> None:
    store.put("a/b/k", b"x")
    for _ in range(2):
        store.delete("a/b/k")
    store.delete("never/was")
    assert store.head("a/b/k") is None and keys(store) == []


def test_deleting_a_prefix_takes_all_of_it_and_nothing_else(store: Store) -> None:
    for key in ("state/a", "state/b/c", "state-of-affairs", "pool/x", "states/y"):
        store.put(key, b"x")
    assert store.delete_prefix("state/") == 2
    assert keys(store) == ["pool/x", "state-of-affairs", "states/y"]
    assert store.delete_prefix("state/") == 0


@pytest.mark.parametrize("prefix", ["", "/"])
def test_deleting_everything_by_accident_is_refused(store: Store, prefix: str) -> None:
    store.put("k", b"x")
    with pytest.raises(ValueError, match="everything"):
        store.delete_prefix(prefix)
    assert keys(store) == ["k"]


def test_a_folder_that_became_empty_can_become_an_object(store: Store) -> None:
    store.put("a/b", b"x")
    store.delete("a/b")
    store.put("a", b"y")
    assert store.get("a").data == b"y"


# -- listing

TREE = ["Z", "a-b", "a.b", "a/b", "a/c/d", "a0", "ab/x", "b-1/x", "b.c/x", "b/x", "c", "é/k", "ÿ", "題/1", "𝛑"]


def test_listing_is_ascending_by_the_keys_bytes(store: Store) -> None:
    for key in reversed(TREE):
        store.put(key, b"x")
    assert keys(store) == sorted(TREE, key=str.encode)


def test_listing_honours_prefix_and_start_after(store: Store) -> None:
    for key in TREE:
        store.put(key, b"x")
    prefixes = ["", "a", "a/", "a/c", "a/c/", "b", "é", "nothing", "zzz/", "a/b/"]
    for prefix in prefixes:
        for start_after in ["", *TREE, "a/", "a-", "0", "zzz", "b/y", "a/c"]:
            expected = sorted(
                (k for k in TREE if k.startswith(prefix) and k.encode() > start_after.encode()), key=str.encode
            )
            assert keys(store, prefix, start_after) == expected, (prefix, start_after)


def test_listing_gives_sizes(store: Store) -> None:
    store.put("a", b"123")
    store.put("b", b"")
    assert [(entry.key, entry.size) for entry in store.list()] == [("a", 3), ("b", 0)]


def test_listing_goes_over_many_objects(store: Store) -> None:
    names = [f"state/tallies/00000001/{number:06d}" for number in range(300)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda key: store.put(key, b"x"), names))
    assert keys(store, "state/tallies/") == names
    assert keys(store, "state/tallies/00000001/", names[197]) == names[198:]


def test_listing_an_empty_store_is_empty(store: Store) -> None:
    assert keys(store) == keys(store, "state/") == keys(store, "state/", "state/x") == []


PARTS = st.text(alphabet="ab-.0é", min_size=1, max_size=3).filter(lambda part: part not in {".", ".."})
KEYS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
MAYBE_KEYS = st.one_of(st.just(""), KEYS)


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_any_store_lists_like_the_memory(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    base = str(request.getfixturevalue("s3_uri")) if kind == "s3" else tmp_path.as_uri()

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        names=st.sets(KEYS, max_size=12), prefix=st.one_of(st.just(""), KEYS), start_after=st.one_of(st.just(""), KEYS)
    )
    def same(names: set[str], prefix: str, start_after: str) -> None:
        model, real = MemoryStore(), open_store(f"{base}/{uuid.uuid4().hex}")
        for name in sorted(names):
            try:
                model.put(name, b"x")
            except StoreError:
                continue
            real.put(name, b"x")
        for cut in ("", prefix, prefix[:-1], start_after):
            assert keys(real, cut, start_after) == keys(model, cut, start_after)

    same()


# -- keys

BAD_KEYS = {
    "empty": "",
    "leading slash": "/a",
    "trailing slash": "a/",
    "double slash": "a//b",
    "parent": "a/../b",
    "here": "./a",
    "only parent": "..",
    "newline": "a\nb",
    "nul": "a\0b",
    "backslash": "a\\b",
    "half a surrogate pair": "a\ud800",
    "long part": "x" * 256,
    "long key": "/".join(["x" * 200] * 6),
    "half-written": "a/.dart-tmp-x",
}


@pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS)
def test_a_key_that_some_store_cannot_hold_is_refused_by_all(store: Store, key: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    for use in (
        store.get,
        store.head,
        store.delete,
        lambda key: store.put(key, b"x"),
        lambda key: store.put_if_absent(key, b"x"),
        lambda key: store.put_if_match(key, b"x", "e"),
        lambda key: store.upload(tmp_path / "f", key),
        lambda key: store.download(key, tmp_path / "g"),
    ):
        with pytest.raises(StoreError, match="Cannot use the key"):
            use(key)
    assert keys(store) == []


@pytest.mark.parametrize("key", ["a b+c%20&d=é", "q?x#y", "日本/語.parquet", "𝛑 = 3", "a" * 255, "~", "%2e%2e/x"])
def test_odd_but_allowed_keys_work(store: Store, key: str) -> None:
    etag = store.put(key, key.encode())
    assert store.get(key).data == key.encode()
    assert [(entry.key, entry.etag) for entry in store.list()] == [(key, etag)]
    assert keys(store, key[:1]) == [key]
    assert store.delete_prefix(key) == 1


# -- conditional writes


def test_the_first_of_two_writers_makes_the_object(store: Store) -> None:
    etag = store.put_if_absent("state/owner", b"first")
    with pytest.raises(Conflict) as caught:
        store.put_if_absent("state/owner", b"second")
    assert "state/owner" in str(caught.value) and etag in str(caught.value)
    assert store.get("state/owner").data == b"first"


def test_a_write_on_an_old_etag_is_refused(store: Store) -> None:
    old = store.put("k", b"1")
    new = store.put_if_match("k", b"2", old)
    with pytest.raises(Conflict):
        store.put_if_match("k", b"3", old)
    assert store.get("k").data == b"2" and store.get("k").etag == new


def test_a_write_on_the_etag_of_something_deleted_is_refused(store: Store) -> None:
    etag = store.put("k", b"1")
    store.delete("k")
    with pytest.raises(Conflict, match="nothing is there"):
        store.put_if_match("k", b"2", etag)
    assert store.head("k") is None


def test_a_deleted_object_can_be_made_again(store: Store) -> None:
    store.put_if_absent("k", b"1")
    store.delete("k")
    store.put_if_absent("k", b"2")
    assert store.get("k").data == b"2"


def test_repeating_a_conditional_write_whose_reply_was_lost_succeeds(store: Store) -> None:
    first = store.put_if_absent("k", b"mine: nonce 1")
    assert store.put_if_absent("k", b"mine: nonce 1") == first
    second = store.put_if_match("k", b"mine: nonce 2", first)
    assert store.put_if_match("k", b"mine: nonce 2", first) == second
    store.put("k", b"theirs")
    with pytest.raises(Conflict):
        store.put_if_match("k", b"mine: nonce 2", first)


def test_of_many_simultaneous_makers_one_wins(store: Store) -> None:
    start = threading.Barrier(8)

    def make(writer: int) -> bool:
        start.wait()
        try:
            store.put_if_absent("state/claims/1/2", f"writer {writer}".encode())
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(make, range(8)))
    assert won.count(True) == 1
    assert store.get("state/claims/1/2").data == f"writer {won.index(True)}".encode()


def increment(store: Store, writer: str, times: int) -> int:
    """Adds one `times` times by compare-and-swap; returns how many writes were lost to others."""
    lost, done = 0, 0
    while done < times:
        blob = store.get("counter")
        count = int(blob.data.split()[0]) + 1
        try:
            store.put_if_match("counter", f"{count} {writer} {uuid.uuid4().hex}".encode(), blob.etag)
            done += 1
        except Conflict:
            lost += 1
    return lost


def test_increments_from_sixteen_threads_lose_none(store: Store) -> None:
    store.put("counter", b"0")
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda writer: increment(store, f"thread {writer}", 8), range(16)))
    assert int(store.get("counter").data.split()[0]) == 128


INCREMENT = """
import os, sys, uuid
from dart_k8s.edges.store import open_store
from dart_k8s.errors import Conflict

store, done = open_store(sys.argv[1]), 0
while done < 60:
    blob = store.get("counter")
    try:
        store.put_if_match("counter", f"{int(blob.data.split()[0]) + 1} {uuid.uuid4()}".encode(), blob.etag)
        done += 1
    except Conflict:
        pass
"""


def test_increments_from_several_processes_lose_none_in_a_folder(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    store.put("counter", b"0")
    processes = [subprocess.Popen([sys.executable, "-c", INCREMENT, str(tmp_path)]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert int(store.get("counter").data.split()[0]) == 180


# -- the store as a whole


def test_two_handles_on_one_place_see_the_same(place: str) -> None:
    first, second = open_store(place), open_store(place + "/")
    etag = first.put("k", b"x")
    assert second.get("k").etag == etag
    assert first.uri == second.uri and not first.uri.endswith("/")


def test_a_longer_uri_is_a_view_of_the_same_objects(place: str) -> None:
    whole, inner = open_store(place), open_store(f"{place}/runs/one")
    etag = inner.put("state/budget", b"x")
    assert whole.get("runs/one/state/budget").etag == etag
    whole.put("runs/one2/other", b"y")
    assert keys(inner) == ["state/budget"]
    assert inner.delete_prefix("state/") == 1 and keys(whole) == ["runs/one2/other"]


def test_the_probe_accepts_the_store_and_leaves_nothing_behind(store: Store) -> None:
    store.put("mine", b"x")
    probe(store)
    assert keys(store) == ["mine"]


def test_requests_are_counted_by_operation(store: Store) -> None:
    before = dict(store.requests())
    assert before == {"get": 0, "head": 0, "put": 0, "list": 0, "delete": 0}
    etag = store.put("k", b"x")
    store.put_if_match("k", b"y", etag)
    store.get("k")
    store.get_range("k", 0, 1)
    store.head("k")
    keys(store)
    store.delete("k")
    assert store.requests() == {"get": 2, "head": 1, "put": 2, "list": 1, "delete": 1}


def test_only_a_folder_gives_paths(store: Store, place: str) -> None:
    store.put("dataset/README.md", b"card")
    path = store.local_path("dataset/README.md")
    if isinstance(store, LocalStore):
        assert path is not None and path.read_bytes() == b"card"
        assert store.local_path("not/there") is not None
    else:
        assert path is None


def test_writers_and_readers_never_meet_half_an_object(store: Store) -> None:
    sizes, stop = [10, 300_000], threading.Event()
    store.put("k", b"a" * sizes[0])
    torn: list[bytes] = []

    def watch() -> None:
        while not stop.is_set():
            data = store.get("k").data
            if data != data[:1] * len(data) or len(data) not in sizes:
                torn.append(data[:20])

    watcher = threading.Thread(target=watch)
    watcher.start()
    writes: Callable[[int], str] = lambda i: store.put("k", b"ab"[i % 2 : i % 2 + 1] * sizes[i % 2])  # noqa: E731
    for i in range(40):
        writes(i)
    stop.set()
    watcher.join()
    assert torn == []
