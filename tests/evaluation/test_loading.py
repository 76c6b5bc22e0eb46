"""Loading a declared benchmark: from the hub, from the publisher's file, from a user's."""

import gzip
import json
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from dart_k8s.api.benchmarks import Benchmark
from dart_k8s.benchmarks import BENCHMARKS, asked
from dart_k8s.errors import DataError, SpecError
from dart_k8s.workers.benchmarks import load
from dart_k8s.workers.checking import Checkers
from tests.evaluation import rows


@dataclass
class Hub:
    """A hub with one set; notes what it was asked for."""

    made: list[dict[str, Any]]
    revision: str = "c0ffee"

    def __post_init__(self):
        self.asked = []

    def __call__(self, uri, *, split, revision):
        self.asked.append((uri, split, revision))
        return self

    def __iter__(self):
        return iter(self.made)


@pytest.mark.parametrize("name", sorted(name for name, known in BENCHMARKS.items() if known.source))
def test_the_hub_is_asked_for_the_pinned_revision_and_the_test_split(name):
    source = BENCHMARKS[name].source
    hub = Hub(rows.whole(name, source.items // len(source.uris)))
    if len(source.uris) > 1:  # 5,000 problems in seven configurations
        hub.made = []
    if not hub.made:
        with pytest.raises(DataError, match=r"7 configurations\) as benchmark math: it has 0 rows"):
            load(Benchmark(name=name), opener=hub)
    else:
        loaded = load(Benchmark(name=name), opener=hub)
        assert len(loaded.items) == loaded.of == source.items and loaded.revision == "c0ffee"
    assert hub.asked == [(uri, source.split, source.revision) for uri in source.uris]


def test_a_copy_at_the_hub_that_lacks_a_problem_is_told():
    loaded = load(Benchmark(name="olympiadbench-oe"), opener=Hub(rows.whole("olympiadbench-oe", 674)))
    assert "674 of the 675 problems" in loaded.notes[0]
    with pytest.raises(DataError, match="it has 673 items, not 675 or 674"):
        load(Benchmark(name="olympiadbench-oe"), opener=Hub(rows.whole("olympiadbench-oe", 673)))


def test_a_benchmark_that_is_not_at_the_hub_says_which_file_it_wants():
    with pytest.raises(SpecError, match=r"no copy of it at the hub.*uri: deepmind-mathematics.json of github.com"):
        load(Benchmark(name="deepmind-mathematics"), opener=Hub([]))


def write(folder, form, made):
    path = folder / f"set.{form}"
    lines = "".join(json.dumps(row) + "\n" for row in made)
    if form == "parquet":
        parquet.write_table(pa.Table.from_pylist(made), path)
    elif form == "jsonl.gz":
        path.write_bytes(gzip.compress(lines.encode()))
    else:
        path.write_text(lines if form in ("jsonl", "lines.json") else json.dumps(made))
    return str(path)


@pytest.mark.parametrize("form", ["jsonl", "json", "lines.json", "jsonl.gz", "parquet"])
def test_a_publishers_file_may_be_a_list_lines_or_parquet(tmp_path, form):
    uri = write(tmp_path, form, rows.whole("olympiadbench-oe", 675))
    loaded = load(Benchmark(name="olympiadbench-oe", uri=uri))
    assert len(loaded.items) == 675 and loaded.revision.startswith("sha256:") and loaded.notes == ()


def test_the_folders_of_math_hold_one_problem_in_each_file(tmp_path):
    for number in range(20):
        path = tmp_path / "test" / ("algebra" if number % 2 else "geometry") / f"{number}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(rows.math(number)))
    with pytest.raises(DataError, match="as benchmark math: it has 20 items, not 5000"):
        load(Benchmark(name="math", uri=str(tmp_path / "test")))
    path.write_text("{")
    with pytest.raises(DataError, match=rf"Cannot read {path}: not JSON"):
        load(Benchmark(name="math", uri=str(tmp_path / "test")))


def test_a_file_of_another_form_is_named_with_row_and_field(tmp_path):
    uri = write(tmp_path, "jsonl", [*rows.whole("gsm8k", 1318), {"question": "?", "answer": "no hashes"}])
    with pytest.raises(DataError, match=rf"(?s){uri} as benchmark gsm8k: 1 of 1319 rows.*row 1319: its field 'answer'"):
        load(Benchmark(name="gsm8k", uri=uri))


def test_a_part_and_pictures_are_told(tmp_path):
    uri = write(tmp_path, "json", rows.whole("theoremqa", 800))
    loaded = load(Benchmark(name="theoremqa", uri=uri, items=100))
    assert (len(loaded.items), loaded.of) == (100, 800)
    pictures = sum(item.picture for item in loaded.items)
    assert loaded.notes[:2] == (
        "100 of 800 items, by a seeded choice",
        f"{pictures} items refer to a picture that the model does not see",
    )


def test_more_worked_examples_than_there_are_is_refused(tmp_path):
    assert len(load(Benchmark(name="gsm8k", shots=4), opener=Hub(rows.whole("gsm8k", 1319))).examples) == 4
    with pytest.raises(SpecError, match=r"Cannot put 8 worked examples .* benchmark gsm8k: there are 4"):
        load(Benchmark(name="gsm8k", shots=8), opener=Hub([]))
    with pytest.raises(SpecError, match="a file of yours has none"):
        load(Benchmark(name="mine", uri="mine.jsonl", shots=1), opener=Hub([]))


def test_a_file_of_the_user_has_any_number_of_problems(tmp_path):
    uri = write(tmp_path, "jsonl", [{"problem": f"{n}+0?", "solution": f"#### {n}"} for n in range(3)])
    declared = Benchmark(
        name="mine", uri=uri, fields={"query": "problem", "answer": "solution"}, reference="after-hashes"
    )
    assert [item.reference for item in load(declared).items] == ["0", "1", "2"]


async def test_checkers_keep_the_rule_of_an_item(tmp_path):
    uri = write(tmp_path, "json", [*rows.whole("theoremqa", 799), rows.theoremqa(9, Answer=10.0, Answer_type="float")])
    item = load(Benchmark(name="theoremqa", uri=uri)).items[-1]
    checkers = Checkers(processes=1)
    await checkers.start()
    try:
        for policy, verdicts in (("strict", ["correct", "incorrect"]), ("lenient", ["correct", "correct"])):
            responses = ["The answer is \\boxed{9.7}.", "First 3.\nThen it is 9.7 at last."]
            asked_of = [(response, item.reference, item.problem) for response in responses]
            found = await checkers.check(asked_of, asdict(asked(item, policy)))
            assert [one.verdict for one in found] == verdicts
    finally:
        await checkers.close()
