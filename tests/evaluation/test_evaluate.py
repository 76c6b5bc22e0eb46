"""An Evaluation on one machine: real samplers on the scripted engine, real checkers, a folder as the store."""

import asyncio
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dart_k8s.api import Output, Synthesis, to_yaml
from dart_k8s.api.passes import is_pass
from dart_k8s.edges.store import Store, open_store
from dart_k8s.errors import OutputNotEmpty, OutputOwned, SpecChanged, SpecError
from dart_k8s.workers.evaluate.local import evaluate
from dart_k8s.workers.evaluate.prepare import PrepareEvaluation
from dart_k8s.workers.evaluate.record import need
from dart_k8s.workers.evaluate.report import ITEMS_TABLE, REPORT, SUMMARY, SUMMARY_BYTES
from dart_k8s.workers.evaluate.rescore import rescore
from dart_k8s.workers.evaluate.score import Scored
from dart_k8s.workers.pod.__main__ import main as pod
from tests.evaluation.declared import evaluation, write_problems

TRIALS = {"count": 8, "temperature": 1.0, "majorityAt": [1, 8], "passAt": [1, 8]}


def run(folder: Path, **spec) -> Scored:
    """Do it, in a loop of its own."""

    async def work() -> Scored:
        return await evaluate(evaluation(folder, **spec), cache=folder / "cache", stop=asyncio.Event())

    return asyncio.run(work())


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """One that has run to its end."""
    folder = tmp_path_factory.mktemp("evaluation")
    write_problems(folder)
    return folder, run(folder, trials=TRIALS)


def pool_of(store: Store, name: str) -> list[dict]:
    parts = [store.local_path(entry.key) for entry in store.list(f"passes/{name}/pool/part-")]
    return [row for path in parts for row in pq.read_table(path).to_pylist()]


def test_scores_are_the_shares_of_what_was_sampled(done):
    folder, scored = done
    store = open_store(str(folder / "scores"))
    greedy, trials = pool_of(store, "greedy"), pool_of(store, "trials")
    assert (len(greedy), len(trials)) == (24, 24 * 8)
    [one] = scored.report["benchmarks"]
    right = [row["verdict"] == "correct" for row in greedy]
    strict = one["scores"]["strict"]
    assert strict["greedy"]["value"] == pytest.approx(sum(right) / 24, abs=1e-6)
    assert strict["greedy"]["low"] < strict["greedy"]["value"] < strict["greedy"]["high"]
    share = sum(row["verdict"] == "correct" for row in trials) / len(trials)
    at = {one["k"]: one["value"] for one in strict["passAt"]}
    assert at[1] == pytest.approx(share, abs=1e-6)
    solved = len({row["query_number"] for row in trials if row["verdict"] == "correct"})
    assert at[8] == pytest.approx(solved / 24, abs=1e-6)
    assert strict["coverage"]["value"][-1] == pytest.approx(solved / 24, abs=1e-6)
    assert {one["k"] for one in strict["majorityAt"]} == {1, 8}
    assert [group["label"] for group in one["byLevel"]] == ["1", "2", "3", "4"]
    assert [group["items"] for group in one["bySubject"]] == [12, 12]


def test_everything_is_written_and_no_data_set(done):
    folder, scored = done
    store = open_store(str(folder / "scores"))
    keys = {entry.key for entry in store.list()}
    assert {REPORT, SUMMARY, ITEMS_TABLE, "report/README.md", "report/figures/accuracy.png"} <= keys
    assert {"report/figures/trials.png", "report/figures/levels.png"} <= keys
    assert not [key for key in keys if "/dataset/" in key]
    summary = store.get(SUMMARY).data
    assert len(summary) <= SUMMARY_BYTES
    assert json.loads(summary)["benchmarks"][0]["name"] == "triples"
    assert pq.read_table(store.local_path(ITEMS_TABLE)).num_rows == 24
    assert "| triples | 24 |" in store.get("report/README.md").data.decode()
    assert json.loads(store.get(REPORT).data) == scored.report


def test_decoding_and_versions_are_pinned(done):
    report = done[1].report
    assert report["decoding"]["greedy"] == {"temperature": 0.0}
    assert report["decoding"]["trials"]["n"] == 8
    assert report["prompt"]["template"] == "alpaca"
    assert report["benchmarks"][0]["revision"].startswith("sha256:")
    assert {"dart-k8s", "verifier"} <= set(report["versions"])


def test_run_again_it_samples_and_judges_nothing(done):
    folder, scored = done
    store = open_store(str(folder / "scores"))
    before = {entry.key: entry.etag for entry in store.list()}
    assert run(folder, trials=TRIALS).report == scored.report
    assert {entry.key: entry.etag for entry in store.list()} == before


def test_another_interval_is_computed_from_what_is_there(done, tmp_path):
    folder, scored = done
    again = run(folder, trials=TRIALS, intervals={"resamples": 300, "confidence": 0.5})
    old, new = (one["benchmarks"][0]["scores"]["strict"]["greedy"] for one in (scored.report, again.report))
    assert new["value"] == old["value"]
    assert new["high"] - new["low"] < old["high"] - old["low"]
    assert again.earlier is not None
    run(folder, trials=TRIALS)


@pytest.mark.parametrize(
    ("spec", "error", "says"),
    [
        ({"trials": {**TRIALS, "count": 16}}, SpecChanged, "spec.trials.count: 8 -> 16"),
        ({"trials": TRIALS, "decoding": {"maxTokens": 100}}, SpecChanged, "spec.decoding.maxTokens"),
        ({"trials": TRIALS, "name": "other", "output": None}, OutputOwned, "belongs to Evaluation 'scores'"),
    ],
)
def test_an_output_keeps_to_its_declaration(done, spec, error, says):
    folder = done[0]
    if spec.get("name"):
        spec = {**spec, "output": {"uri": str(folder / "scores")}}
    with pytest.raises(error, match=says.replace("(", r"\(")):
        run(folder, **spec)


def test_an_output_with_something_else_in_it_is_left_alone(tmp_path):
    write_problems(tmp_path, 4)
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores" / "thesis.txt").write_text("mine")
    with pytest.raises(OutputNotEmpty, match=r"thesis\.txt"):
        run(tmp_path)


def test_rescoring_keeps_the_earlier_report(done):
    folder, scored = done
    uri = str(folder / "scores")
    store = open_store(uri)
    assert not asyncio.run(rescore(uri)).fresh
    old = {**scored.report, "versions": {**scored.report["versions"], "verifier": "2"}}
    store.put(REPORT, json.dumps(old).encode())
    made = asyncio.run(rescore(uri))
    assert made.fresh and made.before == "2"
    assert made.scored.report["benchmarks"] == scored.report["benchmarks"]
    assert made.scored.earlier is not None
    key = made.scored.earlier.removeprefix(f"{store.uri}/")
    assert json.loads(store.get(key).data)["versions"]["verifier"] == "2"


def test_pods_prepare_and_score_the_same_output(done, tmp_path):
    folder, scored = done
    declaration = tmp_path / "declaration.yaml"
    declaration.write_text(to_yaml(evaluation(folder, trials=TRIALS)))
    options = ["--declaration", str(declaration), "--cache", str(tmp_path)]
    assert pod(["prepare", *options]) == 0
    store = open_store(str(folder / "scores"))
    store.delete(REPORT)
    assert pod(["score", *options]) == 0
    assert json.loads(store.get(REPORT).data) == scored.report
    [greedy, _] = need(store).passes()
    assert is_pass(greedy)
    assert not is_pass(greedy.model_copy(update={"spec": greedy.spec.model_copy(update={"output": Output(uri="x")})}))


def test_rescoring_what_is_no_evaluation_is_refused(tmp_path):
    with pytest.raises(SpecError, match="There is no evaluation in"):
        asyncio.run(rescore(str(tmp_path)))


def prepared(folder: Path, **spec):
    return PrepareEvaluation(cache=folder / "cache").prepare(evaluation(folder, **spec))


def test_the_same_text_is_sampled_once_and_scored_with_each_reference(tmp_path):
    write_problems(tmp_path, 4)
    twice = {"problem": "What is 1 times 3?", "answer": "4", "id": "wrong", "topic": "odd", "level": "1"}
    with (tmp_path / "problems.jsonl").open("a") as file:
        file.write(json.dumps(twice) + "\n")
    found = prepared(tmp_path).record
    assert (found.items, found.prompts) == (5, 4)


def test_the_passes_are_syntheses_of_the_evaluation(done):
    greedy, trials = need(open_store(str(done[0] / "scores"))).passes()
    assert isinstance(greedy, Synthesis)
    assert (greedy.metadata.name, trials.metadata.name) == ("scores-greedy", "scores-trials")
    assert (greedy.spec.sampling.temperature, greedy.spec.strategy.trials) == (0.0, 1)
    assert (trials.spec.sampling.temperature, trials.spec.strategy.trials) == (1.0, 8)
    assert greedy.spec.output.uri.endswith("/passes/greedy")


@pytest.mark.parametrize(
    ("said", "template"),
    [
        ({"template": "deepseek-math", "prompt": "", "stop": []}, {"template": "deepseek-math"}),
        (
            {"template": "inline", "prompt": "Q: {query}\nA:", "stop": ["Q:"]},
            {"inline": "Q: {query}\nA:", "stop": ["Q:"]},
        ),
    ],
)
def test_a_training_s_template_is_used(tmp_path, said, template):
    write_problems(tmp_path, 4)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "dart.json").write_text(json.dumps(said))
    found = prepared(tmp_path, model={"uri": str(tmp_path / "model")}).record
    assert (found.prompt, found.template_from) == (template, "model")


def test_a_template_that_the_engine_cannot_take_is_refused_in_words(tmp_path):
    write_problems(tmp_path, 4)
    engine = {"kind": "openai", "baseUrl": "http://localhost:1/v1", "model": "m", "api": "chat"}
    with pytest.raises(SpecError, match="template alpaca is a whole prompt"):
        prepared(tmp_path, engine=engine)


def test_a_name_that_its_passes_could_not_have_is_refused(tmp_path):
    write_problems(tmp_path, 4)
    with pytest.raises(SpecError, match="has 60 characters"):
        prepared(tmp_path, name="e" * 60)
