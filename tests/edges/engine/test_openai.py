"""The OpenAI-compatible engine against an endpoint that misbehaves on order."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openai", reason="pip install dart-k8s[worker]")

from dart_k8s.edges.engine import openai as engine_module
from dart_k8s.edges.engine.base import Message, Request
from dart_k8s.edges.engine.openai import OpenaiEngine
from dart_k8s.edges.engine.script import Script
from dart_k8s.edges.engine.scripted import ScriptedEngine
from dart_k8s.edges.engine.scripted_server import Fault, ScriptedServer
from dart_k8s.errors import EngineDead, EngineError, EngineRequestError, EngineUnavailable, SpecError


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "BACKOFF_FIRST", 0.001)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@asynccontextmanager
async def serve(*faults: Fault, **options: Any) -> AsyncIterator[ScriptedServer]:
    script = Script(p=1, answer=options.pop("answer", "4"), tokens=20, spread=0)
    engine = ScriptedEngine(lambda _: script, seconds_per_token=options.pop("pace", 0.0))
    async with ScriptedServer(engine, faults=faults, **options) as server:
        yield server


def ask(name: str = "q/0", **changes: Any) -> Request:
    return Request(**{"name": name, "prompt": "2 + 2 =", "max_tokens": 64, **changes})


async def started(server: ScriptedServer, **options: Any) -> OpenaiEngine:
    engine = OpenaiEngine(server.url, model="scripted", **options)
    await engine.start()
    return engine


@pytest.mark.parametrize("status", [429, 500, 503, 529, 408])
async def test_an_overloaded_endpoint_is_asked_again(status: int) -> None:
    async with serve(Fault(kind="status", status=status, first=1, times=3)) as server:
        engine = await started(server)
        assert "\\boxed{4}" in (await engine.generate(ask())).text
        assert engine.counters.retries == 3
        await engine.close()


async def test_a_connection_cut_before_the_answer_is_tried_again() -> None:
    async with serve(Fault(kind="disconnect", first=1, times=2)) as server:
        engine = await started(server)
        await engine.generate(ask())
        assert engine.counters.retries == 2
        await engine.close()


async def test_an_answer_that_takes_too_long_is_tried_again() -> None:
    async with serve(Fault(kind="hang", first=1, times=1)) as server:
        engine = await started(server, timeout=0.3)
        await engine.generate(ask())
        assert engine.counters.retries == 1
        await engine.close()


async def test_retry_after_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async with serve(Fault(kind="status", first=1, times=1, retry_after=90)) as server:
        engine = await started(server)
        monkeypatch.setattr(engine_module.asyncio, "sleep", sleep)
        await engine.generate(ask())
        monkeypatch.undo()
        assert 90.0 in waited
        await engine.close()


async def test_an_endpoint_that_stays_overloaded_is_unavailable_in_the_end() -> None:
    async with serve(Fault(kind="status", status=500, first=1)) as server:
        engine = await started(server, retries=2)
        with pytest.raises(EngineUnavailable, match=r"q/0 .* failed 3 times.*500"):
            await engine.generate(ask())
        await engine.close()


async def test_a_key_withdrawn_during_the_run_ends_it() -> None:
    async with serve(Fault(kind="status", status=401, first=1)) as server:
        engine = await started(server)
        with pytest.raises(EngineDead, match="401"):
            await engine.generate(ask())
        await engine.close()


async def test_a_refused_request_is_that_request_s_error() -> None:
    async with serve(Fault(kind="status", status=422, first=1, times=1)) as server:
        engine = await started(server)
        with pytest.raises(EngineRequestError, match="422"):
            await engine.generate(ask())
        await engine.generate(ask("q/1"))
        await engine.close()


async def test_half_a_character_in_a_response_becomes_one_that_can_be_stored() -> None:
    async with serve(answer="\ud83d4") as server:
        engine = await started(server)
        assert "\\boxed{\ufffd4}" in (await engine.generate(ask())).text
        await engine.close()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(kind="html"), "no JSON but '<html>"),
        (Fault(kind="no-choices"), "no choices"),
        (Fault(kind="empty-usage"), "does not count tokens"),
        (Fault(kind="status", status=500), "does not answer.*500"),
        (Fault(kind="status", status=403), "does not allow"),
        (Fault(kind="status", status=418), "418"),
    ],
)
@pytest.mark.parametrize("chat", [True, False])
async def test_a_broken_endpoint_is_found_out_at_the_start(fault: Fault, words: str, chat: bool) -> None:
    async with serve(fault) as server:
        engine = OpenaiEngine(server.url, model="scripted", chat=chat, retries=1)
        with pytest.raises(EngineError, match=words) as caught:
            await engine.start()
        assert server.url in str(caught.value)
        await engine.close()


async def test_an_endpoint_that_is_not_there_is_unreachable_in_words() -> None:
    async with serve() as server:
        url = server.url
    engine = OpenaiEngine(url, model="scripted", retries=1)
    with pytest.raises(EngineError, match=r"does not answer.*Check engine.baseUrl"):
        await engine.start()
    await engine.close()


async def test_a_missing_key_names_the_variable_to_set() -> None:
    async with serve(api_key="right") as server:
        engine = OpenaiEngine(server.url, model="scripted")
        with pytest.raises(EngineError, match="OPENAI_API_KEY"):
            await engine.start()
        await engine.close()
        engine = OpenaiEngine(server.url, model="scripted", api_key="right")
        await engine.start()
        await engine.close()


async def test_an_unknown_model_is_answered_with_those_that_are_served() -> None:
    async with serve(models=("llama", "qwen")) as server:
        for model in ("gpt", None):
            engine = OpenaiEngine(server.url, model=model)
            with pytest.raises(EngineError, match="llama, qwen"):
                await engine.start()
            await engine.close()


async def test_the_only_model_that_is_served_needs_no_name() -> None:
    async with serve(models=("llama",)) as server:
        engine = OpenaiEngine(server.url)
        assert (await engine.start()).model == "llama"
        await engine.close()


async def test_tokens_are_estimated_where_the_endpoint_reports_none_and_the_info_says_so() -> None:
    async with serve(Fault(kind="no-usage")) as server:
        engine = OpenaiEngine(server.url)
        info = await engine.start()
        completion = await engine.generate(ask())
        assert info.extra["tokens"] == "estimated"
        assert completion.tokens == len(completion.text) // 4 + 1
        await engine.close()


async def test_an_abort_closes_the_connection_so_that_the_endpoint_stops(tmp_path: Path) -> None:
    async with serve(pace=0.05, log=tmp_path / "log") as server:
        engine = OpenaiEngine(server.url)
        await engine.start()
        running = asyncio.create_task(engine.generate(ask("aborted")))
        while server.engine.counters.requests < 2:
            await asyncio.sleep(0.001)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        while server.engine.counters.aborted < 1:
            await asyncio.sleep(0.001)
        await engine.close()
    last = json.loads((tmp_path / "log").read_text("utf-8").splitlines()[-1])
    assert (last["name"], last["status"]) == ("aborted", 499)


async def test_requests_in_flight_at_the_close_end_in_engine_dead() -> None:
    async with serve(Fault(kind="hang", first=1)) as server:
        engine = await started(server)
        running = asyncio.create_task(engine.generate(ask()))
        while server.engine.counters.requests < 1 or engine.counters.requests < 1:
            await asyncio.sleep(0.001)
        await engine.close()
        with pytest.raises(EngineDead):
            await running


async def test_the_log_has_what_was_asked_and_answered(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with serve(log=log) as server:
        engine = await started(server, extra_body={"top_k": 5})
        await engine.generate(ask("q/1", stop=("\n\n",), seed=3, temperature=0.5, top_p=0.9))
        await engine.generate(ask("q/2", prompt=(Message(role="user", content="2 + 2?"),)))
        await engine.close()
    records = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [record["name"] for record in records] == ["probe", "q/1", "q/2"]
    assert records[1]["asked"] == {
        "model": "scripted",
        "prompt": "2 + 2 =",
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 64,
        "stop": ["\n\n"],
        "seed": 3,
        "top_k": 5,
    }
    assert records[2]["path"] == "/v1/chat/completions"
    assert records[2]["status"] == 200
    assert "\\boxed{4}" in records[2]["text"]


@pytest.mark.parametrize(
    ("options", "words"),
    [({"base_url": "localhost:8000"}, "http://"), ({"base_url": "http://x/v1", "slots": 0}, "concurrency is 0")],
)
def test_bad_settings_are_refused_in_words(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        OpenaiEngine(**options)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "99999"}, 600.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert engine_module._retry_after(headers) == seconds
