"""The scripted engine plays what its script says, the same each time."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from dart_k8s.edges.engine.base import Message, Request
from dart_k8s.edges.engine.script import Script, by_query, draw, read_scripts
from dart_k8s.edges.engine.scripted import ScriptedEngine
from dart_k8s.errors import EngineDead, EngineError, EngineRequestError, SpecError


def ask(name: str, prompt: str = "2 + 2", **changes: object) -> Request:
    values: dict[str, object] = {"name": name, "prompt": prompt, "max_tokens": 10_000, **changes}
    return Request(**values)  # type: ignore[arg-type]


async def texts(engine: ScriptedEngine, names: list[str], **changes: object) -> list[str]:
    done = await asyncio.gather(*(engine.generate(ask(name, **changes)) for name in names))
    return [completion.text for completion in done]


NAMES = [f"q/{number}" for number in range(2000)]


async def test_responses_are_right_as_often_as_the_script_says() -> None:
    engine = ScriptedEngine({"2 + 2": Script(p=0.3, answer="4")})
    right = sum("\\boxed{4}" in text for text in await texts(engine, NAMES))
    # Four standard deviations of a binomial.
    assert abs(right - 600) < 4 * (2000 * 0.3 * 0.7) ** 0.5


async def test_the_same_seed_and_names_give_the_same_responses_in_any_order() -> None:
    scripts = {"2 + 2": Script(p=0.5, answer="4")}
    one = await texts(ScriptedEngine(scripts, seed=1, slots=3), NAMES[:50])
    again = await texts(ScriptedEngine(scripts, seed=1, slots=50), NAMES[:50][::-1])
    other = await texts(ScriptedEngine(scripts, seed=2), NAMES[:50])
    assert one == again[::-1]
    assert one != other


async def test_texts_are_all_new_unless_the_script_has_a_pool_of_them() -> None:
    new = await texts(ScriptedEngine({"2 + 2": Script(p=1, answer="4")}), NAMES)
    pooled = await texts(ScriptedEngine({"2 + 2": Script(p=1, answer="4", distinct=7)}), NAMES)
    assert len(set(new)) == len(NAMES)
    assert len(set(pooled)) == 7


async def test_an_engine_told_to_be_identical_and_temperature_zero_give_one_text() -> None:
    scripts = {"2 + 2": Script(p=0.5, answer="4")}
    assert len(set(await texts(ScriptedEngine(scripts, identical=True), NAMES[:20]))) == 1
    assert len(set(await texts(ScriptedEngine(scripts), NAMES[:20], temperature=0.0))) == 1


async def test_wrong_responses_say_one_of_the_wrong_answers() -> None:
    engine = ScriptedEngine({"2 + 2": Script(p=0.0, answer="4", wrong=("5", "4", "22"))})
    said = Counter(text.rpartition("{")[2].rstrip("}.") for text in await texts(engine, NAMES))
    assert set(said) == {"5", "22"}


@pytest.mark.parametrize(("spread", "wrong_tokens"), [(0.0, None), (0.5, None), (0.8, 120.0)])
async def test_lengths_have_the_script_s_mean_also_where_it_hangs_on_correctness(
    spread: float, wrong_tokens: float | None
) -> None:
    script = Script(p=0.5, answer="4", tokens=60, wrong_tokens=wrong_tokens, spread=spread)
    drawn = [draw(script, name.encode()) for name in NAMES]
    for correct, mean in ((True, 60.0), (False, wrong_tokens or 60.0)):
        lengths = [one.tokens for one in drawn if one.correct == correct]
        assert sum(lengths) / len(lengths) == pytest.approx(mean, rel=0.12)


async def test_a_response_cut_off_at_its_limit_has_no_answer() -> None:
    engine = ScriptedEngine({"2 + 2": Script(p=1, answer="4", tokens=50, spread=0, padded=True)})
    completion = await engine.generate(ask("cut", max_tokens=49))
    assert (completion.finish, completion.tokens) == ("length", 49)
    assert "boxed" not in completion.text


async def test_padded_texts_are_as_long_as_their_tokens() -> None:
    engine = ScriptedEngine({"2 + 2": Script(p=1, answer="4", tokens=500, spread=0, padded=True)})
    assert len((await engine.generate(ask("long"))).text) == 2000


async def test_requests_beyond_the_slots_start_in_the_order_they_came() -> None:
    engine = ScriptedEngine({"2 + 2": Script(p=1, answer="4", tokens=5, spread=0)}, slots=2, seconds_per_token=0.0001)
    ended: list[str] = []

    async def one(name: str) -> None:
        await engine.generate(ask(name))
        ended.append(name)

    names = [f"n{number}" for number in range(8)]
    await asyncio.gather(*(one(name) for name in names))
    assert ended == names
    assert engine.peak == 2


async def test_it_dies_when_told_and_takes_those_in_flight_along() -> None:
    scripts = {"short": Script(p=1, answer="4", tokens=1, spread=0), "long": Script(p=1, answer="4", tokens=10**6)}
    engine = ScriptedEngine(scripts, seconds_per_token=0.0001, dies_after=3)
    long = asyncio.create_task(engine.generate(ask("long", "long", max_tokens=10**6)))
    for number in range(3):
        await engine.generate(ask(f"s{number}", "short"))
    with pytest.raises(EngineDead):
        await long
    with pytest.raises(EngineDead):
        await engine.generate(ask("late", "short"))


async def test_a_hung_request_can_be_aborted() -> None:
    engine = ScriptedEngine({"2 + 2": Script(p=1, answer="4")}, hangs_after=1)
    await engine.generate(ask("first"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(engine.generate(ask("second")), timeout=0.02)
    assert engine.counters.aborted == 1


async def test_a_failing_start_says_what_it_was_told_to() -> None:
    with pytest.raises(EngineError, match="no model there"):
        await ScriptedEngine({}, fails_to_start="There is no model there.").start()


async def test_an_unknown_prompt_is_that_request_s_error() -> None:
    with pytest.raises(EngineRequestError, match="knows no prompt"):
        await ScriptedEngine({}).generate(ask("lost"))


async def test_a_chat_finds_its_script_by_the_messages() -> None:
    engine = ScriptedEngine(by_query({"2 + 2": Script(p=1, answer="4")}))
    turns = (Message(role="system", content="Be brief."), Message(role="user", content="What is 2 + 2?"))
    request = Request(name="chat", prompt=turns, max_tokens=1000)
    assert "\\boxed{4}" in (await engine.generate(request)).text


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ("12 + 3", "fifteen"),
        ("Problem: 2 + 3\nProblem: 12 + 3\nSolution:", "fifteen"),
        ("Problem: 12 + 3\nProblem: 2 + 3\nSolution:", "five"),
        ("Problem: x\nSolution:", None),
    ],
)
def test_the_query_that_ends_last_in_a_prompt_picks_the_script(prompt: str, answer: str | None) -> None:
    find = by_query({"2 + 3": Script(p=1, answer="five"), "12 + 3": Script(p=1, answer="fifteen")})
    found = find(prompt)
    assert (found.answer if found else None) == answer


def test_a_script_file_gives_its_scripts(tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    document = {
        "version": 1,
        "default": {"p": 0, "answer": "0", "wrong": ["1"]},
        "scripts": [{"match": "2 + 2", "p": 0.25, "answer": "4", "wrong": ["5"]}],
    }
    path.write_text(json.dumps(document), "utf-8")
    find = read_scripts(path)
    assert find("What is 2 + 2?") == Script(p=0.25, answer="4", wrong=("5",))
    assert find("else") == Script(p=0, answer="0", wrong=("1",))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "version 1"),
        ({"version": 2}, "version 1"),
        ({"version": 1, "scripts": [{"p": 1, "answer": "4"}]}, 'Entry 0 .* "match"'),
        ({"version": 1, "scripts": [{"match": "a", "p": 1, "answer": "4", "pp": 1}]}, "unknown fields pp"),
        ({"version": 1, "scripts": [{"match": "a", "p": 1.5, "answer": "4"}]}, "p is 1.5"),
        ({"version": 1, "scripts": [{"match": "a", "p": 1}]}, "answer"),
        ({"version": 1, "default": {"p": 0.5, "answer": "4", "wrong": ["4"]}}, "no wrong answers"),
    ],
)
def test_a_bad_script_file_is_refused_in_words(document: object, words: str, tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    path.write_text(json.dumps(document), "utf-8")
    with pytest.raises(SpecError, match=words):
        read_scripts(path)
