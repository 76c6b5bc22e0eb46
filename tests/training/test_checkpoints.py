"""Checkpoints in the store: whole or not there, pruned, refused in words where they do not fit."""

from pathlib import Path

import pytest

from dart_k8s.edges.store import MemoryStore, Store
from dart_k8s.errors import CheckpointUnusable
from dart_k8s.training.checkpoints import mark_key
from dart_k8s.workers.train.keeping import Keeper


def keeper(store: Store, **changed: object) -> Keeper:
    settings = {"digest": "d", "processes": 2, "stage": 0, "keep": 2, **changed}
    return Keeper(store=store, sleep=lambda _: None, **settings)  # type: ignore[arg-type]


@pytest.fixture
def store() -> Store:
    return MemoryStore("memory://checkpoints")


def folder(path: Path, text: str = "weights") -> Path:
    (path / "global_step1").mkdir(parents=True, exist_ok=True)
    (path / "model.safetensors").write_text(text)
    (path / "global_step1" / "zero_rank_0.pt").write_text("state")
    return path


def test_a_checkpoint_comes_back_as_it_was(store: Store, tmp_path: Path) -> None:
    keeper(store).put(7, folder(tmp_path / "a"))
    mark = keeper(store).newest()
    assert mark is not None and (mark.step, mark.processes) == (7, 2)
    keeper(store).fetch(mark, tmp_path / "b")
    for name in ("model.safetensors", "global_step1/zero_rank_0.pt"):
        assert (tmp_path / "b" / name).read_bytes() == (tmp_path / "a" / name).read_bytes()


def test_older_ones_are_pruned_when_a_newer_one_is_whole(store: Store, tmp_path: Path) -> None:
    for step in (1, 2, 3):
        keeper(store).put(step, folder(tmp_path / str(step)))
    left = {entry.key.split("/")[1] for entry in store.list("checkpoints/")}
    assert left == {"00000002", "00000003"}


def test_one_without_a_mark_is_not_used_and_is_swept(store: Store, tmp_path: Path) -> None:
    keeper(store).put(5, folder(tmp_path / "a"))
    store.put("checkpoints/00000009/model.safetensors", b"half")
    assert keeper(store).newest().step == 5  # type: ignore[union-attr]
    assert keeper(store).sweep() == [9]
    assert [e.key for e in store.list("checkpoints/00000009")] == []


def test_all_nodes_have_their_part_in_it(store: Store, tmp_path: Path) -> None:
    other = folder(tmp_path / "other")
    (other / "model.safetensors").rename(other / "rank1.pt")
    keeper(store, nodes=2, node=1).put(4, other)
    assert keeper(store).newest() is None
    keeper(store, nodes=2, node=0).put(4, folder(tmp_path / "first"))
    mark = keeper(store).newest()
    assert mark is not None and {"rank1.pt", "model.safetensors"} <= set(mark.files)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"digest": "other"}, "another recipe"),
        ({"stage": 2}, "ZeRO stage 0, this is stage 2"),
    ],
)
def test_one_that_does_not_fit_is_refused_in_words(
    changed: dict[str, object], says: str, store: Store, tmp_path: Path
) -> None:
    keeper(store).put(3, folder(tmp_path / "a"))
    with pytest.raises(CheckpointUnusable, match=says):
        keeper(store, **changed).newest()


def test_without_zero_it_goes_on_with_another_number_of_processes(store: Store, tmp_path: Path) -> None:
    keeper(store).put(3, folder(tmp_path / "a"))
    assert keeper(store, processes=4).newest() is not None


def test_with_zero_another_number_of_processes_is_refused_before_it_starts(store: Store, tmp_path: Path) -> None:
    keeper(store, stage=2).put(3, folder(tmp_path / "a"))
    assert keeper(store, stage=2).newest() is not None
    with pytest.raises(CheckpointUnusable, match="with 4 processes") as error:
        keeper(store, stage=2, processes=4).newest()
    assert "= 2 again" in error.value.remedy


def test_a_damaged_one_is_named(store: Store, tmp_path: Path) -> None:
    keeper(store).put(3, folder(tmp_path / "a"))
    mark = keeper(store).newest()
    assert mark is not None
    store.put("checkpoints/00000003/model.safetensors", b"w")
    with pytest.raises(CheckpointUnusable, match="has 1 bytes"):
        keeper(store).fetch(mark, tmp_path / "b")
    store.put(mark_key(3), b"no JSON")
    with pytest.raises(CheckpointUnusable, match="can't be read"):
        keeper(store).newest()
