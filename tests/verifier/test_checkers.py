"""Checkers that hang, die or talk nonsense: every question gets its answer, and only the guilty one is undecided."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from dart_k8s.errors import VerifierError
from dart_k8s.workers.checking import Checkers

from .serving import SLOW


@asynccontextmanager
async def started(**options: Any) -> AsyncIterator[Checkers]:
    checkers = Checkers(**{"processes": 2, **options})
    await checkers.start()
    try:
        yield checkers
    finally:
        await checkers.close()


def breaking(**options: Any) -> Any:
    return started(program="tests.verifier.breaking", check_seconds=0.3, **options)


def items(*texts: str) -> list[tuple[str, str, None]]:
    return [(text, "5", None) for text in texts]


@pytest.mark.parametrize("guilty", ["hang", "die", "nonsense", "break"])
@pytest.mark.parametrize("attempts", [1, 2])
async def test_only_the_guilty_one_is_undecided(guilty: str, attempts: int) -> None:
    innocent = [str(number) for number in range(200)]
    texts = [*innocent[:100], guilty, *innocent[100:]]
    async with breaking(attempts=attempts) as checkers:
        found = await checkers.check(items(*texts))
        assert [one.answer for one in found] == [*innocent[:100], None, *innocent[100:]]
        assert found[100].verdict == "undecided"
        assert str(attempts) in found[100].reason
        # Whole again.
        assert [one.answer for one in await checkers.check(items("after"))] == ["after"]


async def test_what_nobody_waits_for_any_more_is_taken_back() -> None:
    async with breaking(processes=1) as checkers:
        asked = asyncio.create_task(checkers.check(items("hang", *map(str, range(1000)))))
        await asyncio.sleep(0)
        asked.cancel()
        assert [one.answer for one in await checkers.check(items("next"))] == ["next"]


async def test_a_program_that_does_not_start_is_told_with_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dart_k8s.workers.checking.checkers.START_SECONDS", 1.5)
    with pytest.raises(VerifierError, match=r"No module named 'tests\.verifier\.absent'"):
        async with started(program="tests.verifier.absent"):
            pass


async def test_the_end_is_told_to_those_who_wait() -> None:
    async with started(program="tests.verifier.breaking", processes=1) as checkers:
        asked = asyncio.create_task(checkers.check(items("hang", "1")))
        await asyncio.sleep(0)
        await checkers.close()
        with pytest.raises(VerifierError, match="closed"):
            await asked
        with pytest.raises(VerifierError, match="closed"):
            await checkers.check(items("1"))


async def test_computer_algebra_holds_up_nobody() -> None:
    async with started(processes=1) as checkers:
        slow = asyncio.create_task(checkers.check([(*SLOW, None)] * 2))
        quick = await checkers.check([(rf"\boxed{{{n}}}", str(n), None) for n in range(100)])
        assert {one.verdict for one in quick} == {"correct"}
        assert not slow.done()
        assert [one.verdict for one in await slow] == ["undecided", "undecided"]


async def test_a_policy_is_followed_for_each_question() -> None:
    text = ("First 2.\nThen we get 5 of them.\nThanks.", "5", None)
    async with started(processes=1) as checkers:
        strict, lenient = await asyncio.gather(checkers.check([text]), checkers.check([text], {"lenient": True}))
        assert (strict[0].verdict, lenient[0].verdict) == ("incorrect", "correct")


async def test_killed_again_and_again_they_answer_everything() -> None:
    told: list[str] = []
    async with started(tell=lambda event, **facts: told.append(event)) as checkers:
        numbers = range(1500)
        asked = asyncio.create_task(checkers.check([(rf"\boxed{{{n}}}", str(n), None) for n in numbers]))
        while not asked.done():
            for child in list(checkers._children):
                # It may have been reaped since the list was made.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.process.pid, signal.SIGKILL)
                break
            await asyncio.sleep(0.05)
        found = await asked
        assert {one.verdict for one in found} <= {"correct", "undecided"}
        assert sum(one.verdict == "correct" for one in found) > 1400
