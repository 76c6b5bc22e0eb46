"""The folder store beside the contract: crashes, full disks, permissions, foreign files."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dart_k8s.edges.store import LocalStore
from dart_k8s.edges.store.local import STALE_AFTER
from dart_k8s.errors import AccessDenied, NotFound, StoreError, StoreFull

ENDLESS_WRITER = """
import sys
from pathlib import Path
from dart_k8s.edges.store import LocalStore

store = LocalStore(Path(sys.argv[1]))
print("ready", flush=True)
i = 0
while True:
    i += 1
    store.put("k", bytes([i % 256]) * 3_000_000)
"""


def test_a_killed_writer_leaves_a_whole_object_and_no_listed_rest(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put("k", b"\x00" * 3_000_000)
    for round_ in range(4):
        writer = subprocess.Popen([sys.executable, "-c", ENDLESS_WRITER, str(tmp_path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
        first = store.get("k").etag
        while store.get("k").etag == first:  # it has written at least once: now it is in the middle of something
            pass
        for _ in range(round_ * 50):
            store.head("k")
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        data = store.get("k").data
        assert len(data) == 3_000_000 and data == data[:1] * len(data)
        assert [(entry.key, entry.size) for entry in store.list()] == [("k", 3_000_000)]
        assert store.put_if_match("k", b"\x00" * 3_000_000, store.get("k").etag)


def test_files_of_dead_writers_are_removed_once_they_are_old(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    half = tmp_path / "state" / ".dart-tmp-0123"
    half.write_bytes(b"half")
    assert list(LocalStore(tmp_path).list()) == []
    assert half.exists()
    later = LocalStore(tmp_path, wall_clock=lambda: time.time() + STALE_AFTER + 1)
    assert list(later.list()) == []
    assert not half.exists()


@contextmanager
def _file_size_limit(limit: int) -> Iterator[None]:
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_write_that_finds_no_space_says_what_is_free_and_changes_nothing(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put("k", b"old")
    with _file_size_limit(100_000), pytest.raises(StoreFull) as caught:
        store.put("k", b"x" * 1_000_000)
    assert "are free at" in str(caught.value) and str(tmp_path) in str(caught.value)
    assert store.get("k").data == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["k"]


@contextmanager
def _as_nobody() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_without_permission_says_who_was_refused(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "closed")
    store.put("k", b"x")
    (tmp_path / "closed").chmod(0o500)
    try:
        with _as_nobody():
            for write in (lambda: store.put("k", b"y"), lambda: store.put_if_absent("a/b", b"y")):
                with pytest.raises(AccessDenied, match="user id"):
                    write()
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert store.get("k").data == b"x"


def test_a_key_cannot_be_an_object_and_a_folder_at_once(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put("a", b"x")
    store.put("b/c", b"x")
    for key in ("a/b", "b"):
        with pytest.raises(StoreError, match="an object and a folder"):
            store.put(key, b"y")
    with pytest.raises(NotFound):
        store.get("a/b")
    store.delete("a/b")
    store.delete("b")
    assert [entry.key for entry in store.list()] == ["a", "b/c"]
    assert not any(path.name.startswith(".") for path in tmp_path.rglob("*"))


def test_a_link_to_nowhere_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "pool").symlink_to(tmp_path / "gone")
    with pytest.raises(StoreError, match="cannot be made"):
        LocalStore(tmp_path).put("pool/k", b"x")


def test_a_folder_reached_through_a_link_is_the_same_store(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    LocalStore(tmp_path / "link").put("k", b"x")
    assert LocalStore(tmp_path / "link").uri == LocalStore(tmp_path / "real").uri
    assert LocalStore(tmp_path / "real").get("k").data == b"x"


def test_a_file_changed_by_hand_has_a_new_etag(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    old = store.put("k", b"one")
    with (tmp_path / "k").open("r+b") as file:
        file.write(b"two")
    os.utime(tmp_path / "k", ns=(1, 1))
    entry = store.head("k")
    assert entry is not None and entry.etag != old
    assert entry.etag == store.get("k").etag == next(iter(store.list())).etag


def test_files_of_other_programs_are_objects_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "README.md").write_bytes(b"mine")
    store = LocalStore(tmp_path)
    entry = store.head("dataset/README.md")
    assert entry is not None and store.put_if_match("dataset/README.md", b"new", entry.etag)
    assert store.get("dataset/README.md").data == b"new"


def test_deleting_leaves_no_empty_folders(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    store = LocalStore(tmp_path / "root")
    store.put("a/b/c/d", b"x")
    store.put("a/e", b"x")
    store.delete("a/b/c/d")
    assert sorted(path.name for path in (tmp_path / "root").rglob("*")) == ["a", "e"]
    store.delete_prefix("a/")
    assert list((tmp_path / "root").iterdir()) == []


def test_reading_makes_no_folders(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "not-yet")
    assert list(store.list()) == [] and store.head("k") is None
    assert not (tmp_path / "not-yet").exists()


def test_etags_are_the_same_where_the_file_system_keeps_no_attributes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    LocalStore(tmp_path).put("with", b"x")
    for name in ("getxattr", "setxattr"):
        monkeypatch.delattr(os, name, raising=False)
    store = LocalStore(tmp_path)
    etag = store.put("without", b"x")
    assert {entry.etag for entry in store.list()} == {etag, store.get("with").etag} == {etag}
    assert store.put_if_match("with", b"y", etag)


def test_a_root_that_was_made_goes_with_its_last_object_and_one_that_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for name in ("there", "not/there"):
        store = LocalStore(tmp_path / name)
        store.put("state/a", b"1")
        store.put("state/b", b"2")
        store.delete("state/a")
        assert (tmp_path / name / "state" / "b").exists()
        store.delete("state/b")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert list((tmp_path / "there").iterdir()) == []
