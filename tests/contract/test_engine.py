"""What holds for every engine: the scripted one, an OpenAI-compatible endpoint, and real vLLM with a small model."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import pytest_asyncio

from dart_k8s.edges.engine.base import Engine, EngineInfo, Message, Prompt, Request
from dart_k8s.edges.engine.scripted import Script, ScriptedEngine
from dart_k8s.edges.engine.scripted_server import ScriptedServer
from dart_k8s.errors import EngineDead, EngineRequestError

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOT = Path(__file__).parents[2]
LONG = "Long: 1, 2, 3, 4, 5, 6, 7, 8,"
SHORT = "Short: one, two, three, four,"
CONTEXT = 512
SLOTS = 4


@dataclass(frozen=True, kw_only=True)
class Case:
    """An engine that runs, and what to ask it."""

    engine: Engine
    info: EngineInfo
    stop: str
    """Turns up in the response to LONG at temperature 0."""
    behind: ScriptedEngine | None = None
    """Who answers, where it can be asked how many requests it saw at once."""

    def request(self, name: str, prompt: Prompt = SHORT, max_tokens: int = 12, **changes: object) -> Request:
        made = Request(name=name, prompt=prompt, max_tokens=max_tokens, temperature=1.0)
        return replace(made, **changes) if changes else made


def script(prompt: str) -> Script:
    if "Long" in prompt:
        return Script(p=0.5, answer="4", tokens=300, spread=0)
    return Script(p=0.5, answer="4", tokens=8, spread=0)


def scripted_engine(slots: int = SLOTS) -> ScriptedEngine:
    return ScriptedEngine(script, slots=slots, seconds_per_token=0.001, context=CONTEXT)


def missing(what: str, how: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing: {how}")
    pytest.skip(f"{what} is missing: {how}")


def model_folder() -> Path:
    folder = Path(os.environ.get("DART_TEST_MODEL", ROOT / ".cache/quickstart/model"))
    script_path = ROOT / "manifests/examples/quickstart/model.py"
    done = subprocess.run([sys.executable, script_path, folder], check=False, capture_output=True, text=True)
    if done.returncode:
        missing("the quickstart's model", done.stderr.strip()[-500:])
    return folder


@pytest_asyncio.fixture(
    scope="session",
    loop_scope="session",
    params=["scripted", "openai", pytest.param("vllm", marks=pytest.mark.slow)],
)
async def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Case]:
    async with AsyncExitStack() as stack:
        made = await build(request.param, stack, tmp_path_factory)
        yield made
        if made.info.kind == "vllm":
            # Last of all, because it ends the engine that the other tests share.
            await a_killed_engine_core_ends_requests_in_engine_dead(made)
        await made.engine.close()


async def a_killed_engine_core_ends_requests_in_engine_dead(case: Case) -> None:
    running = asyncio.create_task(case.engine.generate(case.request("running", LONG, 400)))
    await case.engine.generate(case.request("beside"))
    for child in multiprocessing.active_children():
        if child.name.startswith("EngineCore"):
            child.kill()
    with pytest.raises(EngineDead, match="log is in"):
        await running
    with pytest.raises(EngineDead):
        await case.engine.generate(case.request("late"))


async def build(kind: str, stack: AsyncExitStack, folders: pytest.TempPathFactory) -> Case:
    if kind == "scripted":
        scripted = scripted_engine()
        return Case(engine=scripted, info=await scripted.start(), stop="step", behind=scripted)
    if kind == "openai":
        if find_spec("openai") is None:
            missing("openai", "pip install dart-k8s[worker]")
        from dart_k8s.edges.engine.openai import OpenaiEngine

        behind = scripted_engine(slots=64)
        server = await stack.enter_async_context(ScriptedServer(behind, context=CONTEXT))
        endpoint = OpenaiEngine(server.url, slots=SLOTS)
        return Case(engine=endpoint, info=await endpoint.start(), stop="step", behind=behind)
    if find_spec("vllm") is None:
        missing("vllm", "pip install dart-k8s[sampler], or dart-k8s[sampler-cpu] without a GPU")
    from dart_k8s.edges.engine.vllm import VllmEngine

    log = folders.mktemp("vllm") / "vllm.log"
    engine = VllmEngine(model_folder(), slots=SLOTS, max_model_len=CONTEXT, log=log, measured=True)
    return Case(engine=engine, info=await engine.start(), stop=" 12")


async def test_it_says_what_was_started(case: Case) -> None:
    assert case.info.slots == case.engine.slots == SLOTS
    assert case.info.context == CONTEXT
    assert case.info.model


async def test_a_response_has_text_and_its_tokens_are_counted(case: Case) -> None:
    counters = replace(case.engine.counters)
    completion = await case.engine.generate(case.request("plain"))
    assert completion.text
    assert 1 <= completion.tokens <= 12
    assert completion.prompt_tokens > 0
    assert case.engine.counters.requests == counters.requests + 1
    assert case.engine.counters.tokens == counters.tokens + completion.tokens
    assert case.engine.counters.prompt_tokens == counters.prompt_tokens + completion.prompt_tokens


async def test_a_stop_string_ends_the_response_before_itself(case: Case) -> None:
    whole = await case.engine.generate(case.request("whole", LONG, 64, temperature=0.0))
    if case.stop not in whole.text:
        # The scripted text is one line: stop at its own words.
        case = replace(case, stop=whole.text.split()[1])
    cut = await case.engine.generate(case.request("cut", LONG, 64, temperature=0.0, stop=(case.stop,)))
    assert cut.finish == "stop"
    assert case.stop not in cut.text
    assert whole.text.startswith(cut.text)
    assert cut.stop == case.stop
    assert whole.stop is None


async def test_a_response_goes_on_from_its_prefix(case: Case) -> None:
    first = await case.engine.generate(case.request("first", LONG, 8, temperature=0.0))
    prefix = first.text + " and"
    request = replace(case.request("second", LONG, 8, temperature=0.0), prefix=prefix)
    second = await case.engine.generate(request)
    assert second.text
    assert prefix not in second.text
    assert second.prompt_tokens > first.prompt_tokens


async def test_max_tokens_cuts_the_response_off(case: Case) -> None:
    completion = await case.engine.generate(case.request("cut", LONG, 5, temperature=0.0))
    assert completion.finish == "length"
    assert completion.tokens == 5


async def test_an_abort_frees_the_slot_and_its_tokens_are_waste(case: Case) -> None:
    await case.engine.generate(case.request("before"))
    counters = replace(case.engine.counters)
    running = [
        asyncio.create_task(case.engine.generate(case.request(f"long-{n}", LONG, 400, temperature=0.0)))
        for n in range(SLOTS - 1)
    ]
    # While this one runs to its end, the others have generated something, too.
    await case.engine.generate(case.request("beside"))
    for task in running:
        task.cancel()
    ended = await asyncio.gather(*running, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in ended)
    assert case.engine.counters.aborted == counters.aborted + len(running)
    assert 0 < case.engine.counters.wasted_tokens - counters.wasted_tokens < 400 * len(running)
    again = [case.engine.generate(case.request(f"after-{n}")) for n in range(SLOTS)]
    assert len(await asyncio.gather(*again)) == SLOTS


async def test_more_requests_than_slots_all_finish_and_no_more_than_slots_run_at_once(case: Case) -> None:
    requests = [case.request(f"many-{n}", max_tokens=6) for n in range(3 * SLOTS)]
    completions = await asyncio.gather(*(case.engine.generate(request) for request in requests))
    assert len(completions) == 3 * SLOTS
    if case.behind is not None:
        assert case.behind.peak <= SLOTS


async def test_a_request_aborted_while_it_waits_for_a_slot_leaves_the_others_alone(case: Case) -> None:
    running = [asyncio.create_task(case.engine.generate(case.request(f"w-{n}"))) for n in range(2 * SLOTS)]
    await asyncio.sleep(0)
    running[-1].cancel()
    ended = await asyncio.gather(*running, return_exceptions=True)
    assert [isinstance(one, BaseException) for one in ended] == [False] * (2 * SLOTS - 1) + [True]


async def test_two_requests_with_different_seeds_differ(case: Case) -> None:
    requests = [case.request("seeded", LONG, 40, temperature=1.5, seed=seed) for seed in range(2)]
    one, other = await asyncio.gather(*(case.engine.generate(request) for request in requests))
    if case.behind is None:
        assert one.text != other.text
    else:
        # The scripted texts of LONG are cut to few words: compare whole ones.
        requests = [case.request("seeded", seed=seed) for seed in range(2)]
        one, other = await asyncio.gather(*(case.engine.generate(request) for request in requests))
        assert one.text != other.text


async def test_a_prompt_beyond_the_context_is_that_request_s_error_alone(case: Case) -> None:
    with pytest.raises(EngineRequestError) as caught:
        await case.engine.generate(case.request("much-too-long", "word " * (CONTEXT * 2)))
    assert "much-too-long" in str(caught.value)
    assert (await case.engine.generate(case.request("fine"))).text


async def test_chat_messages_are_a_prompt(case: Case) -> None:
    turns = (Message(role="user", content="Short: what is 2 + 2?"),)
    completion = await case.engine.generate(case.request("chat", turns, 12))
    assert completion.text
    assert completion.prompt_tokens > 0


async def test_counted_tokens_of_a_prompt_are_those_that_generate_reports(case: Case) -> None:
    counted = await case.engine.count_tokens(SHORT)
    completion = await case.engine.generate(case.request("counted"))
    assert counted in (None, completion.prompt_tokens)


@pytest.mark.parametrize("kind", ["scripted", "openai", "vllm"])
async def test_after_close_requests_end_in_engine_dead_and_closing_again_is_fine(
    kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with AsyncExitStack() as stack:
        engine: Engine
        if kind == "vllm":
            if find_spec("vllm") is None:
                missing("vllm", "pip install dart-k8s[sampler] or dart-k8s[sampler-cpu]")
            from dart_k8s.edges.engine.vllm import VllmEngine

            # Not started: loading a model a second time would take a minute.
            engine = VllmEngine("nowhere")
        else:
            engine = (await build(kind, stack, tmp_path_factory)).engine
        await engine.close()
        await engine.close()
        with pytest.raises(EngineDead):
            await engine.generate(Request(name="late", prompt="Short", max_tokens=1))


async def test_vllm_adds_no_second_beginning_of_sequence(case: Case) -> None:
    if case.info.kind != "vllm":
        pytest.skip("about vLLM's tokenizer")
    # This model's chat template starts with its beginning-of-sequence token; its tokenizer adds none to text.
    with_it = await case.engine.count_tokens("<|im_start|>Hello")
    without = await case.engine.count_tokens("Hello")
    assert with_it is not None
    assert without is not None
    assert with_it == without + 1


async def test_vllm_counts_its_steps_and_its_own_metrics_can_be_scraped(case: Case) -> None:
    if case.info.kind != "vllm":
        pytest.skip("about vLLM's metrics")
    from dart_k8s.edges.metrics.prometheus import PrometheusMetrics

    before = case.engine.counters.steps
    await case.engine.generate(case.request("measured"))
    assert case.engine.counters.steps > before
    text = PrometheusMetrics(others=True).render()[0].decode()
    assert "vllm:generation_tokens_total" in text
    assert text.count("# TYPE process_resident_memory_bytes ") == 1
