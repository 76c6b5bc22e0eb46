"""What every verifier promises to a sampler: children on this machine, a real server behind HTTP, and the fake."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import pytest

from dart_k8s import answers
from dart_k8s.answers import Policy
from dart_k8s.edges.verification import Item, MemoryVerification, WireVerdict
from dart_k8s.errors import VerifierError
from dart_k8s.workers.verification import PoolVerifier, ServiceVerifier, Verifier


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    pytest.importorskip("httpx", reason="pip install dart-k8s[worker]")
    from tests.verifier.serving import server

    with server("--processes", "1", "--linger", "0") as made:
        yield made.url


def fake(url: str, rules: str, policy: Mapping[str, Any]) -> MemoryVerification:
    def judge(item: Item) -> WireVerdict:
        return WireVerdict(**asdict(answers.check(item.response, item.reference, item.query, policy=Policy(**policy))))

    return MemoryVerification(judge)


@pytest.fixture(params=["pool", "service", "fake"])
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    made: list[Verifier] = []

    def verifier(*, lenient: bool = False) -> Verifier:
        if request.param == "pool":
            made.append(PoolVerifier(processes=1, deadline=0.9, memory_mib=400, lenient=lenient))
        elif request.param == "service":
            made.append(ServiceVerifier(request.getfixturevalue("url"), lenient=lenient))
        else:
            made.append(ServiceVerifier("http://fake", lenient=lenient, connect=fake))
        return made[-1]

    yield verifier
    for one in made:
        await one.close()


async def test_a_verdict_says_what_decided_and_why(make: Any) -> None:
    verdict = await make().verify(r"so \boxed{\frac24}", "1/2", "What is half?")
    assert (verdict.verdict, verdict.answer) == ("correct", r"\frac24")
    assert verdict.tier in ("normal", "number")
    assert verdict.reason


async def test_computer_algebra_is_used(make: Any) -> None:
    verdict = await make().verify(r"\boxed{\int_0^1 x^2 dx}", r"\frac13", "")
    assert (verdict.verdict, verdict.tier) == ("correct", "symbolic")


@pytest.mark.parametrize("text", ["", "\x00", "\ud800", "\\boxed{" * 3000, "\\boxed{}", "9" * 50_000, "\n" * 9999])
async def test_no_text_is_too_strange(make: Any, text: str) -> None:
    assert (await make().verify(text, "5", text)).verdict == "incorrect"


async def test_many_at_once_get_each_their_own(make: Any) -> None:
    verifier = make()
    numbers = range(300)
    found = await asyncio.gather(*(verifier.verify(rf"\boxed{{{n}}}", str(n - n % 2), "") for n in numbers))
    assert [one.verdict for one in found] == ["incorrect" if n % 2 else "correct" for n in numbers]
    assert [one.answer for one in found] == [str(n) for n in numbers]


async def test_a_lenient_verifier_has_another_version(make: Any) -> None:
    strict, lenient = make(), make(lenient=True)
    assert strict.version == answers.VERSION != lenient.version
    text = "First 2.\nThen we get 5 of them.\nThanks."
    assert (await strict.verify(text, "5", "")).verdict == "incorrect"
    assert (await lenient.verify(text, "5", "")).verdict == "correct"


async def test_one_that_is_cancelled_disturbs_no_other(make: Any) -> None:
    verifier = make()
    tasks = [asyncio.create_task(verifier.verify(rf"\boxed{{{n}}}", "5", "")) for n in range(50)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [one.answer for one in found[1::2] if isinstance(one, answers.Verdict)] == [str(n) for n in range(1, 50, 2)]


async def test_after_its_end_it_says_so(make: Any) -> None:
    verifier = make()
    await verifier.verify(r"\boxed{5}", "5", "")
    await verifier.close()
    with pytest.raises(VerifierError, match="closed"):
        await verifier.verify(r"\boxed{\int_0^1 7 x^2 dx}", r"\frac73", "")
