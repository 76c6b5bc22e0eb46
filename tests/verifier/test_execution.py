"""Code over HTTP: the real server with the real sandbox, and its client over several servers."""

import asyncio
import json
import os
import signal
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

from dart_k8s.edges.execution.base import Block
from dart_k8s.edges.execution.scripted import ScriptedExecutor
from dart_k8s.edges.metrics.memory import MemoryMetrics
from dart_k8s.edges.verification.blocks import WireBlock, read_block, read_execution, write_block
from dart_k8s.edges.verification.execution import HttpExecution
from dart_k8s.edges.verification.wire import Malformed
from dart_k8s.errors import ExecutionError, SpecError
from dart_k8s.workers.responding.service import ServiceExecutor
from dart_k8s.workers.verifier.endpoint import Refused
from dart_k8s.workers.verifier.execute import Execute

from .serving import server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can confine code; run it in a container")
OPTIONS = ("--execute", "--processes", "1", "--linger", "0", "--block-seconds", "2", "--sessions", "4")


@pytest.fixture(scope="module")
def pods():
    with ExitStack() as stack:
        yield [stack.enter_context(server(*OPTIONS)) for _ in range(2)]


def get(url):
    with urllib.request.urlopen(url, timeout=30) as reply:
        return reply.read().decode()


def post(url, body):
    request = urllib.request.Request(f"{url}/v1/execute", data=body, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_a_block_is_run_and_its_value_shown(pods):
    status, reply = post(pods[0].url, write_block(WireBlock(session="a", blocks=("6 * 7",))))
    assert (status, reply["text"], reply["outcome"]) == (200, "42\n", "done")


def test_readiness_shows_the_layers_and_what_they_keep(pods):
    found = json.loads(get(f"{pods[0].url}/readyz"))
    assert found["ready"]
    assert found["execute"]["layers"]["seccomp"]
    assert found["execute"]["promises"]["network"]
    assert found["execute"]["missing"] == []
    assert pods[0].wait_for("confinement")["promises"]["files"]


def test_metrics_count_executions_by_outcome_and_tell_the_layers(pods):
    post(pods[0].url, write_block(WireBlock(session="b", blocks=("1 / 0",))))
    text = get(f"{pods[0].url}/metrics")
    assert 'dart_verifier_executions_total{outcome="error"}' in text
    assert 'dart_verifier_sandbox_layer{layer="seccomp"} 1.0' in text
    assert 'dart_verifier_sandbox_promise{promise="network"} 1.0' in text
    assert "dart_verifier_sessions " in text
    assert "dart_verifier_execution_seconds_bucket" in text


MALFORMED = [
    (b"", "no JSON"),
    (b"[]", "no JSON object"),
    (b'{"session": "a"}', "blocks is not a list"),
    (b'{"session": "", "blocks": ["1"]}', "session"),
    (b'{"session": "a", "blocks": [1]}', r"blocks\[0\] is no text"),
    (b'{"session": "a", "blocks": []}', "blocks is not a list"),
    (b'{"session": "a", "blocks": ["1"], "user": "root"}', "user"),
    (b'{"session": "a", "blocks": ["1"], "format": 2}', "format 2"),
]


@pytest.mark.parametrize(("body", "says"), MALFORMED, ids=[case[1] for case in MALFORMED])
def test_a_malformed_request_is_refused_in_words(body, says):
    with pytest.raises(Malformed, match=says):
        read_block(body)


def test_the_server_says_what_is_wrong_with_a_request(pods):
    status, reply = post(pods[0].url, b'{"session": "a"}')
    assert (status, reply["error"]["code"]) == (400, "malformed")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"format": 1, "text": 5}', b"<html>"])
def test_what_is_no_reply_is_none(body):
    with pytest.raises(Malformed):
        read_execution(body)


async def test_any_pod_serves_any_block_and_the_holder_is_preferred(pods):
    client = HttpExecution([pod.url for pod in pods], seed=0)
    first = await client.execute(WireBlock(session="roaming", blocks=("x = 20",)))
    second = await client.execute(WireBlock(session="roaming", blocks=("x = 20", "x + 1")))
    assert (first.text, second.text, second.replayed) == ("", "21\n", 0)
    await client.close()
    for pod in pods:
        # Another client knows no holder; whichever pod it asks, the text is the same.
        other = HttpExecution([pod.url])
        third = await other.execute(WireBlock(session="roaming", blocks=("x = 20", "x + 1", "x * 2")))
        assert third.text == "40\n"
        await other.close()


async def test_a_pod_that_dies_is_replaced_by_another_and_nothing_is_lost():
    with server(*OPTIONS) as one, server(*OPTIONS) as two:
        client = HttpExecution([one.url, two.url], patience=30.0, seed=1)
        for number in range(6):
            await client.execute(WireBlock(session=f"s{number}", blocks=("x = 5",)))
        family = one.family()
        os.kill(one.process.pid, signal.SIGKILL)
        found = [await client.execute(WireBlock(session=f"s{n}", blocks=("x = 5", "x"))) for n in range(6)]
        assert [one.text for one in found] == ["5\n"] * 6
        assert 0 < sum(one.replayed for one in found) <= 6
        await client.close()
        for _ in range(500):
            left = [pid for pid in family if _runs(pid)]
            if not left:
                break
            await asyncio.sleep(0.02)
        assert left == []


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


async def test_a_hostile_block_stops_no_other_request(pods):
    client = HttpExecution([pods[0].url])
    bomb = WireBlock(session="bomb", blocks=("import os\nwhile True: os.write(1, b'x' * 60000)",))
    hostile = asyncio.create_task(client.execute(bomb))
    fine = await client.execute(WireBlock(session="fine", blocks=("1 + 1",)))
    assert fine.text == "2\n"
    assert (await hostile).outcome == "output"
    await client.close()


async def test_a_sampler_runs_its_code_at_the_service(pods):
    executor = ServiceExecutor(pods[1].url)
    await executor.start()
    found = await executor.execute(Block(session="sampler", blocks=("import sympy\nsympy.factorint(84)",)))
    assert found.text == "{2: 2, 3: 1, 7: 1}\n"
    assert executor.counters.executions == {"done": 1}
    await executor.close()


async def test_a_server_without_execution_is_refused_in_words():
    with server("--processes", "1", "--linger", "0") as plain:
        executor = ServiceExecutor(plain.url)
        with pytest.raises(SpecError, match="does not run code"):
            await executor.start()
        await executor.close()


async def test_nobody_there_is_an_error_after_a_while():
    client = HttpExecution(["http://127.0.0.1:9"], patience=0.2)
    with pytest.raises(ExecutionError, match="No verification server ran a block"):
        await client.execute(WireBlock(session="a", blocks=("1",)))
    await client.close()


async def test_a_full_queue_is_told_and_asked_elsewhere(pods):
    # More than one pod's queue at once: what the one refuses the other takes, or the first one later.
    client = HttpExecution([pod.url for pod in pods], patience=60.0, seed=2)
    blocks = [WireBlock(session=f"many {n}", blocks=("sum(range(1000))",)) for n in range(100)]
    found = await asyncio.gather(*(client.execute(block) for block in blocks))
    assert {one.text for one in found} == {"499500\n"}
    await client.close()


async def test_an_executor_out_of_order_is_a_503_and_a_probe_says_why():
    endpoint = Execute(
        ScriptedExecutor(fails_after=0), MemoryMetrics(), lambda *_, **__: None,
        queue_items=4, queue_bytes=1 << 20, most_body=1 << 20, seconds=10.0,
    )  # fmt: skip
    await endpoint.start()
    asked, items = endpoint.parse(write_block(WireBlock(session="a", blocks=("1",))))
    assert items == 1
    with pytest.raises(Refused, match="as it was told") as refused:
        await endpoint.answer(asked)
    assert (refused.value.status, refused.value.retry_after) == (503, 1)
    with pytest.raises(ExecutionError):
        await endpoint.probe()
    working = Execute(
        ScriptedExecutor(), MemoryMetrics(), lambda *_, **__: None,
        queue_items=4, queue_bytes=1 << 20, most_body=1 << 20, seconds=10.0,
    )  # fmt: skip
    assert "should print 42" in await working.probe()
