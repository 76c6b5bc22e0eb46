"""Code over HTTP: the real server with the real sandbox, and its client over several servers."""

import asyncio
import json
import os
import re
import signal
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

from dart_k8s.edges.execution.base import Block, BlockLimits
from dart_k8s.edges.execution.scripted import ScriptedExecutor
from dart_k8s.edges.metrics.memory import MemoryMetrics
from dart_k8s.edges.verification.blocks import WireBlock, WireLimits, read_block, read_execution, write_block
from dart_k8s.edges.verification.execution import HttpExecution
from dart_k8s.edges.verification.wire import Malformed
from dart_k8s.errors import ExecutionError, SpecError
from dart_k8s.workers.responding.service import ServiceExecutor
from dart_k8s.workers.verifier.endpoint import Refused
from dart_k8s.workers.verifier.execute import Execute

from .serving import server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can confine code; run it in a container")
MOST = BlockLimits(seconds=2.0, memory=512 << 20, head_bytes=2000, tail_bytes=1000)
"""What the servers of these tests allow one block."""
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


def limited(seconds, *, memory=b"67108864", head=b"100"):
    limits = b'{"seconds": %b, "memory": %b, "head": %b, "tail": 50}' % (seconds, memory, head)
    return b'{"format": 2, "session": "a", "blocks": ["1"], "limits": %b}' % limits


MALFORMED = [
    (b"", "no JSON"),
    (b"[]", "no JSON object"),
    (b'{"session": "a"}', "blocks is not a list"),
    (b'{"session": "", "blocks": ["1"]}', "session"),
    (b'{"session": "a", "blocks": [1]}', r"blocks\[0\] is no text"),
    (b'{"session": "a", "blocks": []}', "blocks is not a list"),
    (b'{"session": "a", "blocks": ["1"], "user": "root"}', "user"),
    (b'{"session": "a", "blocks": ["1"], "format": 3}', "format 3; this server reads 1 to 2"),
    (b'{"session": "a", "blocks": ["1"], "format": true}', "format True"),
    (b'{"session": "a", "blocks": ["1"], "limits": {}}', "format 1 has no limits"),
    (b'{"session": "a", "blocks": ["1"], "format": 2, "limits": {"seconds": 1}}', "seconds, memory, head and tail"),
    (limited(b"NaN"), "limits.seconds is nan"),
    (limited(b"0"), "limits.seconds is 0"),
    (limited(b"true"), "limits.seconds is True"),
    (limited(b"1", memory=b"1"), "limits.memory is 1"),
    (limited(b"1", memory=b"1e9"), "limits.memory"),
    (limited(b"1", head=b"-1"), "limits.head is -1"),
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


LIMITS = WireLimits(seconds=0.5, memory=128 << 20, head=40, tail=20)


async def test_a_request_gets_the_limits_that_it_asks_for(pods):
    client = HttpExecution([pods[0].url])

    async def run(name, *blocks):
        return await client.execute(WireBlock(session=name, blocks=blocks, limits=LIMITS))

    late = await run("late", "import time\ntime.sleep(1.5)")
    assert (late.outcome, late.text) == ("timeout", "TimeoutError: stopped after 0.5 s")
    long = await run("long", "print('a' * 50 + 'z' * 50)")
    assert long.text == "a" * 40 + "\n... 41 left out ...\n" + "z" * 19 + "\n"
    much = await run("much", "hold = bytearray(200 << 20)")
    assert much.outcome == "memory"
    # The same without limits, and in the same session with others: what the server allows.
    free = await client.execute(WireBlock(session="much", blocks=("len(bytearray(200 << 20))",)))
    assert free.text == "209715200\n"
    await client.close()


BEYOND = [
    (WireLimits(seconds=3.0, memory=128 << 20, head=20, tail=10), "3 s for a block, more than 2", "--block-seconds 3"),
    (WireLimits(seconds=1.0, memory=513 << 20, head=20, tail=10), "513 MiB", "memoryMib, .*--block-memory 513"),
    (WireLimits(seconds=1.0, memory=128 << 20, head=2001, tail=1000), "3001 bytes", "outputCharacters"),
]


@pytest.mark.parametrize(("limits", "says", "remedy"), BEYOND, ids=[case[1] for case in BEYOND])
async def test_limits_above_the_servers_are_refused_in_words_when_a_run_starts(pods, limits, says, remedy):
    executor = ServiceExecutor(
        pods[0].url,
        limits=BlockLimits(
            seconds=limits.seconds, memory=limits.memory, head_bytes=limits.head, tail_bytes=limits.tail
        ),
    )
    with pytest.raises(SpecError, match=says) as refused:
        await executor.start()
    assert "spec.execution" in refused.value.message
    assert re.search(remedy, refused.value.remedy)
    await executor.close()
    status, reply = post(pods[0].url, write_block(WireBlock(session="beyond", blocks=("1",), limits=limits)))
    assert (status, reply["error"]["code"]) == (400, "beyond-limits")


async def test_a_run_goes_on_at_the_pods_that_allow_its_limits(pods):
    with server(*OPTIONS, "--block-memory", "1024") as larger:
        client = HttpExecution([pods[0].url, larger.url], seed=0)
        limits = WireLimits(seconds=1.0, memory=768 << 20, head=20, tail=10)
        await client.about(limits)
        found = [
            await client.execute(WireBlock(session=f"larger {n}", blocks=(f"{n}",), limits=limits)) for n in range(4)
        ]
        assert [one.text for one in found] == ["0\n", "1\n", "2\n", "3\n"]
        await client.close()


def test_the_server_tells_its_limits(pods):
    told = json.loads(get(f"{pods[0].url}/v1/about"))["limits"]["execute"]
    assert (told["format"], told["block"]) == (2, {"seconds": 2.0, "memory": 512 << 20, "output": 3000})


async def test_a_request_of_an_older_client_is_answered(pods):
    status, reply = post(pods[0].url, b'{"format": 1, "session": "old", "blocks": ["6 * 7"]}')
    assert (status, reply["format"], reply["text"]) == (200, 1, "42\n")


async def test_a_server_that_knows_no_limits_is_asked_without_them():
    asked = []

    async def older(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        body = json.loads(await reader.readexactly(size))
        asked.append(sorted(body))
        if body["format"] != 1:
            error = {"code": "malformed", "message": "The request has format 2; this server reads 1.", "remedy": ""}
            status, reply = "400 Bad Request", {"error": error}
        else:
            reply = {"format": 1, "text": "42\n", "outcome": "done", "seconds": 0.0, "replayed": 0, "restarted": False}
            status = "200 OK"
        text = json.dumps(reply).encode()
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: {len(text)}\r\nconnection: close\r\n\r\n".encode() + text)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(older, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    executor = ServiceExecutor(f"http://127.0.0.1:{port}", limits=MOST)
    await executor.start()
    found = await executor.execute(Block(session="a", blocks=("6 * 7",)))
    assert found.text == "42\n"
    # Once refused it is not asked that way again.
    plain = ["blocks", "format", "session"]
    assert asked == [["blocks", "format", "limits", "session"], plain, plain]
    await executor.close()
    listening.close()


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
        queue_items=4, queue_bytes=1 << 20, most_body=1 << 20, seconds=10.0, most=MOST,
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
        queue_items=4, queue_bytes=1 << 20, most_body=1 << 20, seconds=10.0, most=MOST,
    )  # fmt: skip
    assert "should print 42" in await working.probe()
