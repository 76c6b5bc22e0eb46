"""The client of verification servers, against servers that misbehave on order."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

pytest.importorskip("httpx", reason="pip install dart-k8s[worker]")

from dart_k8s.edges.verification import Item, WireVerdict
from dart_k8s.edges.verification import http as client_module
from dart_k8s.edges.verification import pods as pods_module
from dart_k8s.edges.verification.http import HttpVerification
from dart_k8s.errors import SpecError, VerifierError

from .pods import FakePod, cut, refused, right, strange


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits in milliseconds."""
    monkeypatch.setattr(pods_module, "BACKOFF_FIRST", 0.001)
    monkeypatch.setattr(pods_module, "BACKOFF_MOST", 0.01)
    monkeypatch.setattr(client_module, "RESOLVE_SECONDS", 0.01)


class Service:
    """Pods behind a name, and a client."""

    def __init__(self, *pods: FakePod, **options: Any) -> None:
        self.addresses = [pod.url for pod in pods]
        self.client = HttpVerification(
            ["http://verifiers"], rules="1", policy={}, resolver=self._resolve, seed=0, **options
        )

    async def _resolve(self, url: str) -> list[str]:
        assert url == "http://verifiers"
        return self.addresses

    async def verify(self, text: str) -> WireVerdict:
        return await self.client.verify(Item(response=text, reference="r"))

    async def all(self, *texts: str) -> list[str | None]:
        return [one.answer for one in await asyncio.gather(*map(self.verify, texts))]


class Stage(AsyncExitStack):
    async def pods(self, *behaviours: Callable[..., Any]) -> list[FakePod]:
        return [await self.enter_async_context(FakePod(behave)) for behave in behaviours]

    def service(self, *pods: FakePod, **options: Any) -> Service:
        made = Service(*pods, **options)
        self.push_async_callback(made.client.close)
        return made


@pytest.fixture
async def stage():
    async with Stage() as made:
        yield made


NUMBERS = [str(n) for n in range(100)]


async def test_one_response_is_sent_at_once_and_alone(stage: Stage) -> None:
    [pod] = await stage.pods(right)
    assert (await stage.service(pod).verify("5")).answer == "5"
    assert pod.requests == [["5"]]


async def test_what_comes_together_goes_together(stage: Stage) -> None:
    [pod] = await stage.pods(right)
    service = stage.service(pod)
    assert await service.all("warm") == ["warm"]
    assert await service.all(*NUMBERS) == NUMBERS
    assert [len(request) for request in pod.requests] == [1, 100]


async def test_what_comes_while_all_are_busy_is_gathered(stage: Stage) -> None:
    [pod] = await stage.pods(right)
    service = stage.service(pod)
    await service.verify("warm")
    pod.go.clear()
    asked = []
    for n in range(client_module.MOST_REQUESTS):
        pod.arrived.clear()
        asked.append(asyncio.create_task(service.verify(f"first {n}")))
        await pod.arrived.wait()
    asked += [asyncio.create_task(service.verify(text)) for text in NUMBERS]
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(pod.requests) == 1 + client_module.MOST_REQUESTS
    pod.go.set()
    await asyncio.gather(*asked)
    assert [len(request) for request in pod.requests] == [1] * (1 + client_module.MOST_REQUESTS) + [100]


async def test_a_request_is_bounded_in_items_and_in_size(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "MOST_ITEMS", 30)
    monkeypatch.setattr(client_module, "MOST_CHARACTERS", 50)
    [pod] = await stage.pods(right)
    texts = [*NUMBERS, "long " * 100]
    assert await stage.service(pod).all(*texts) == texts
    assert all(len(request) <= 30 for request in pod.requests)
    assert ["long " * 100] in pod.requests


async def test_pods_share_the_work_and_the_busy_one_gets_less(stage: Stage) -> None:
    pods = await stage.pods(right, right, right)
    service = stage.service(*pods)
    await service.all(*NUMBERS)
    assert all(pod.requests for pod in pods)
    pods[0].go.clear()
    for pod in pods:
        pod.arrived.clear()
    held = asyncio.create_task(service.all(*[f"a{text}" for text in NUMBERS]))
    await asyncio.gather(*(pod.arrived.wait() for pod in pods))
    before = len(pods[0].requests)
    for n in range(20):
        await service.verify(f"single {n}")
    assert len(pods[0].requests) == before
    pods[0].go.set()
    await held


@pytest.mark.parametrize("status", [404, 429, 500, 502, 503])
async def test_a_refused_request_is_asked_elsewhere(stage: Stage, status: int) -> None:
    pods = await stage.pods(refused(status), right)
    assert await stage.service(*pods).all(*NUMBERS) == NUMBERS


NONSENSE = [strange({}), strange([]), strange({"format": 1, "rules": "1", "verdicts": []}), strange({"format": 2})]


@pytest.mark.parametrize("behave", [cut, *NONSENSE])
async def test_a_cut_connection_or_nonsense_is_asked_elsewhere(stage: Stage, behave: Callable[..., Any]) -> None:
    pods = await stage.pods(behave, right)
    assert await stage.service(*pods).all(*NUMBERS) == NUMBERS


async def test_a_silent_server_is_asked_elsewhere(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "ANSWER_SECONDS", 0.05)
    pods = await stage.pods(right, right)
    pods[0].go.clear()
    assert await stage.service(*pods).all(*NUMBERS) == NUMBERS


async def test_an_address_where_nobody_listens_is_asked_elsewhere(stage: Stage) -> None:
    pods = await stage.pods(right, right)
    service = stage.service(*pods)
    await pods[0].__aexit__()
    assert await service.all(*NUMBERS) == NUMBERS


async def test_retry_after_is_honoured(stage: Stage) -> None:
    [full] = await stage.pods(refused(429, "queue-full", retry_after=3600))
    service = stage.service(full, patience=0.05)
    with pytest.raises(VerifierError, match="429, no: queue-full"):
        await service.verify("5")
    assert len(full.requests) == 1


async def test_addresses_that_come_and_go_are_noticed(stage: Stage) -> None:
    pods = await stage.pods(right, right)
    service = stage.service()
    asked = asyncio.create_task(service.verify("early"))
    await asyncio.sleep(0)
    service.addresses = [pods[0].url]
    assert (await asked).answer == "early"
    await pods[0].__aexit__()
    service.addresses = [pods[1].url]
    assert await service.all(*NUMBERS) == NUMBERS
    assert pods[1].requests


@pytest.mark.parametrize(
    ("behaviours", "words"),
    [
        ([], "http://verifiers has no address"),
        ([refused(503, "starting")], "503, no: starting"),
        ([refused(400, "malformed")], "400, no: malformed"),
        ([strange("hello")], "a string, not an object"),
    ],
)
async def test_when_nobody_answers_for_long_it_says_why(
    stage: Stage, behaviours: list[Callable[..., Any]], words: str
) -> None:
    service = stage.service(*await stage.pods(*behaviours), patience=0.1)
    with pytest.raises(VerifierError, match=r"No verifier gave a verdict within 0\.1 s") as caught:
        await service.verify("5")
    assert words in str(caught.value)


async def test_it_recovers_by_itself(stage: Stage) -> None:
    [pod] = await stage.pods(refused(503))
    service = stage.service(pod, patience=0.05)
    with pytest.raises(VerifierError):
        await service.verify("5")
    pod.behave = right
    assert (await service.verify("5")).answer == "5"


async def test_other_rules_everywhere_is_the_users_to_mend(stage: Stage) -> None:
    pods = await stage.pods(refused(409, "other-rules"), lambda request: right(request, rules="2"))
    with pytest.raises(SpecError, match="No verifier judges by rules 1") as caught:
        await stage.service(*pods).verify("5")
    assert "it has rules 2" in str(caught.value) and "same release" in caught.value.remedy


async def test_other_rules_at_one_pod_leave_the_others(stage: Stage) -> None:
    pods = await stage.pods(refused(409, "other-rules"), right)
    assert await stage.service(*pods).all(*NUMBERS) == NUMBERS


async def test_a_response_that_takes_servers_down_is_undecided_and_the_others_are_not(stage: Stage) -> None:
    def fragile(request: Any) -> Any:
        return None if any(item.response == "killer" for item in request.items) else right(request)

    pods = await stage.pods(fragile, fragile)
    service = stage.service(*pods)
    tasks = [asyncio.create_task(service.verify(text)) for text in [*NUMBERS, "killer", "last"]]
    found = await asyncio.gather(*tasks)
    assert [one.answer for one in found] == [*NUMBERS, None, "last"]
    assert found[-2].verdict == "undecided"
    assert sum("killer" in request for pod in pods for request in pod.requests) <= client_module.UNDECIDED_AFTER


async def test_a_response_that_is_too_large_for_any_server_is_undecided(stage: Stage) -> None:
    def small(request: Any) -> Any:
        large = sum(len(item.response) for item in request.items) > 500
        return refused(413, "too-large")(request) if large else right(request)

    service = stage.service(*await stage.pods(small))
    found = await asyncio.gather(*map(service.verify, [*NUMBERS, "x" * 501]))
    assert [one.answer for one in found] == [*NUMBERS, None]
    assert found[-1].verdict == "undecided"


async def test_what_nobody_waits_for_is_not_sent(stage: Stage) -> None:
    [pod] = await stage.pods(refused(503, retry_after=3600))
    service = stage.service(pod)
    asked = asyncio.create_task(service.verify("first"))
    await pod.arrived.wait()
    other = asyncio.create_task(service.verify("second"))
    await asyncio.sleep(0)
    other.cancel()
    service.addresses = [(await stage.pods(right))[0].url]
    assert (await asked).answer == "first"


async def test_its_end_ends_those_who_wait(stage: Stage) -> None:
    [pod] = await stage.pods(right)
    pod.go.clear()
    service = stage.service(pod)
    sent = asyncio.create_task(service.verify("sent"))
    await pod.arrived.wait()
    await service.client.close()
    with pytest.raises(VerifierError, match="closed"):
        await sent
    with pytest.raises(VerifierError, match="closed"):
        await service.verify("late")


@pytest.mark.parametrize(
    "url", ["", "verifiers:8080", "ftp://verifiers", "http://", "http://v:0", "http://v:99999", "http://v?x"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(SpecError, match="no address of a verification service"):
        HttpVerification([url], rules="1", policy={})


async def test_a_name_stands_for_all_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    from dart_k8s.edges.verification.resolving import resolve

    async def found(host: str, port: int, **_: Any) -> list[Any]:
        assert (host, port) == ("verifiers", 8080)
        places = [(2, ("10.0.0.2", 8080)), (2, ("10.0.0.1", 8080)), (10, ("fd00::1", 8080, 0, 0))]
        return [(family, 1, 6, "", place) for family, place in places]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)
    expected = ["http://10.0.0.1:8080/base", "http://10.0.0.2:8080/base", "http://[fd00::1]:8080/base"]
    assert await resolve("http://verifiers:8080/base") == expected
    assert await resolve("https://verifiers") == ["https://verifiers"]
