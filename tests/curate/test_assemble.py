"""A whole data set: files, card, statistics, figures."""

import hashlib
import json
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from dart_k8s.api.curating import Curation, Filters
from dart_k8s.edges.store.base import Store
from dart_k8s.edges.store.local import LocalStore
from dart_k8s.edges.store.memory import MemoryStore
from dart_k8s.ledger.segments import Row
from dart_k8s.scores.curves import Curve
from dart_k8s.workers.curate import dataset as module
from dart_k8s.workers.curate.assemble import Assembled, Known, assemble
from dart_k8s.workers.curate.card import About
from dart_k8s.workers.curate.decontaminate import Item, contaminated
from dart_k8s.workers.curate.select import rule_for

from .builders import pool_of, snapshot, trial

ABOUT = About(
    name="sums",
    spec={"kind": "Synthesis", "strategy": {"kind": "uniform", "target": 3}},
    versions={"dart-k8s": "0.1.0", "model": "tiny@abc"},
    command="dart run sums.yaml",
)
ITEM = " ".join(f"word{n}" for n in range(35))


def rows() -> list[Row]:
    found = [
        trial(q, place, "correct" if place % (q + 1) == 0 else "incorrect") for q in range(4) for place in range(8)
    ]
    return [*found, trial(0, 8, text=f"As {ITEM} says: \\boxed{{0}}")]


def build(output: Store, *, target: int = 3, curation: Curation | None = None) -> Assembled:
    queries = snapshot(5)
    source, _ = pool_of(rows(), queries)
    known = Known(
        pass_rate=[0.9, 0.5, 0.3, 0.002, 0.01],
        status=["target", "target", "hopeless", "cap", "cap"],
        coverage=Curve(k=np.array([8, 64]), value=np.array([0.7, 0.9])),
    )
    benchmark = [Item(benchmark="made-up", id="7", text=ITEM), Item(benchmark="made-up", id="8", text="What is 1 + 1?")]
    return assemble(
        output,
        [source],
        queries,
        known,
        rule_for("uniform", target=[9, target, target, target, target], trials=0, distinct=True),
        curation or Curation(),
        ABOUT,
        benchmark=benchmark,
        pairs=contaminated(zip(queries["id"].to_pylist(), queries["query"].to_pylist(), strict=True), benchmark),
        preview_near=True,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("output")
    build(LocalStore(path))
    return path


def loaded(folder: Path, cache: Path) -> datasets.Dataset:
    files = str(folder / "dataset" / "train-*.parquet")
    return datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(cache))


def test_the_data_set_loads_with_datasets(folder: Path, tmp_path: Path) -> None:
    found = loaded(folder, tmp_path)
    assert found.column_names[:3] == ["query", "response", "messages"]
    first = found[0]
    assert first["messages"] == [
        {"role": "user", "content": first["query"]},
        {"role": "assistant", "content": first["response"]},
    ]
    assert (first["query_id"], first["trial"], first["engine"], first["pool"]) == ("math/0", 0, "scripted", "own")
    assert json.loads(first["sampling"]) == {"temperature": 1.6}
    assert first["difficulty"] == pytest.approx(0.1)
    assert len(found) == 9 + 3 + 3 + 2


def test_rows_to_look_at_carry_a_flag(folder: Path, tmp_path: Path) -> None:
    flags = {row["query_id"]: row["flags"] for row in loaded(folder, tmp_path)}
    assert flags["math/3"] == ["other-answer", "low-pass-rate"]
    assert flags["math/0"] == []


def test_the_card_has_the_hub_s_front_matter_and_tells_what_to_be_careful_with(folder: Path) -> None:
    text = (folder / "dataset" / "README.md").read_text()
    _, front, body = text.split("---\n", 2)
    matter = yaml.safe_load(front)
    assert matter["configs"][0]["data_files"] == [{"split": "train", "path": "train-*.parquet"}]
    assert matter["size_categories"] == ["n<1K"]
    for part in [
        "kind: Synthesis",
        "dart run sums.yaml",
        "model: tiny@abc",
        "Short of the target",
        "Suspect references",
        "Likely right by luck",
        "also stand in a benchmark",
        "30 words and more",
        "hopeless 1",
    ]:
        assert part in body, part


def test_figures_of_the_card_are_beside_it(folder: Path) -> None:
    text = (folder / "dataset" / "README.md").read_text()
    paths = [line.split("](")[1].rstrip(")") for line in text.splitlines() if line.startswith("![")]
    assert len(paths) == 4
    for path in paths:
        assert (folder / "dataset" / path).read_bytes().startswith(b"\x89PNG")


def test_statistics_count_rows_by_decile_level_and_source(folder: Path) -> None:
    numbers = json.loads((folder / "report" / "statistics.json").read_text())
    assert (numbers["rows"], numbers["queries"], numbers["queriesWithoutRow"]) == (17, 5, 1)
    assert sum(row["rows"] for row in numbers["byDecile"]) == 17
    assert [row["rows"] for row in numbers["byLevel"]] == [9, 3, 3, 2, 0]
    assert numbers["bySource"][0]["withoutRow"] == 1
    assert numbers["short"]["queries"] == 2
    assert numbers["reach"]["m"] == 8
    assert numbers["reach"]["leftOut"] == 1
    assert numbers["contamination"]["list"][0]["queryId"] == "math/1"
    assert numbers["repetitions"]["list"][0]["trial"] == 8


def test_the_wrong_reference_is_suspected(folder: Path) -> None:
    numbers = json.loads((folder / "report" / "statistics.json").read_text())
    suspect = numbers["suspects"]["otherAnswer"][-1]
    assert (suspect["queryId"], suspect["reference"], suspect["answer"], suspect["share"]) == ("math/3", "6", "7", 0.75)


def digests(store: Store) -> dict[str, str]:
    return {entry.key: hashlib.sha256(store.get(entry.key).data).hexdigest() for entry in store.list()}


def test_the_same_curation_gives_the_same_bytes(folder: Path) -> None:
    store = MemoryStore()
    build(store)
    assert digests(store) == digests(LocalStore(folder))


def test_a_smaller_set_leaves_no_file_of_the_larger_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS_PER_FILE", 4)
    monkeypatch.setattr(module, "ROWS_PER_GROUP", 4)
    store = MemoryStore()
    queries = snapshot(2)
    source, _ = pool_of([trial(q, p) for q in range(2) for p in range(5)], queries)
    for target, files in ((5, 3), (1, 1)):
        done = assemble(
            store,
            [source],
            queries,
            Known(pass_rate=[0.5, 0.9]),
            rule_for("uniform", target=[target, target], trials=0, distinct=True),
            Curation(),
            ABOUT,
        )
        names = [entry.key for entry in store.list("dataset/train-")]
        assert names == [f"dataset/train-{n:05d}-of-{files:05d}.parquet" for n in range(files)]
        assert done.chosen.tolist() == [0] * target + [1] * target


def test_a_set_without_rows_is_a_file_with_columns_and_none() -> None:
    store = MemoryStore()
    done = build(store, curation=Curation(filters=Filters(min_tokens=10_000)))
    assert done.selection.rows == 0
    found = pq.read_table(pa.BufferReader(store.get("dataset/train-00000-of-00001.parquet").data))
    assert (found.num_rows, found.column_names[:2]) == (0, ["query", "response"])


def test_text_of_a_model_cannot_break_the_card() -> None:
    store = MemoryStore()
    queries = snapshot(1, id=["a|b`c"], answer=["<b>|x"])
    source, _ = pool_of([trial(0, p, "incorrect") for p in range(4)], queries)
    assemble(
        store,
        [source],
        queries,
        Known(pass_rate=[0.1]),
        rule_for("uniform", target=[1], trials=0, distinct=True),
        Curation(),
        About(name="x", spec={"a": "```\nb"}, versions={}, command="x"),
    )
    text = store.get("dataset/README.md").data.decode()
    assert "<b>|" not in text
    assert "`a\\|b'c`" in text
    assert "````yaml" in text
