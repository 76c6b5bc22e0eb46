"""What every executor promises: the sandbox with all its layers, the sandbox as in a pod, and the scripted one."""

import asyncio
import sys

import pytest
import pytest_asyncio

from dart_k8s.edges.execution.base import BLOCK_BYTES, Block, BlockLimits
from dart_k8s.edges.execution.limits import Limits
from dart_k8s.edges.execution.sandbox import Sandbox
from dart_k8s.edges.execution.scripted import ScriptedExecutor
from dart_k8s.errors import ExecutionError

LIMITS = Limits(seconds=3.0, processes=2, sessions=3)
WORDS = {
    "1 + 1": "2\n",
    "x = 5": "",
    "x": "5\n",
    "print('hello')": "hello\n",
    "1 / 0": ("ZeroDivisionError: division by zero\n", "error"),
    "import os; os._exit(1)": ("The interpreter ended", "died"),
}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sandbox", "sandbox in a pod", "scripted"])
async def executor(request):
    if request.param == "scripted":
        made = ScriptedExecutor(WORDS, sessions=LIMITS.sessions)
    elif sys.platform != "linux":
        pytest.skip("only Linux can confine code; run it in a container")
    else:
        made = Sandbox(LIMITS, without=("namespaces", "user") if request.param == "sandbox in a pod" else ())
    standing = await made.start()
    assert standing.missing == ()
    yield made
    await made.close()


async def test_it_shows_what_a_block_prints_and_the_value_of_a_trailing_expression(executor):
    assert (await executor.execute(Block(session="a", blocks=("print('hello')",)))).text == "hello\n"
    assert (await executor.execute(Block(session="b", blocks=("1 + 1",)))).text == "2\n"


async def test_later_blocks_see_what_earlier_ones_defined_and_only_the_last_one_is_shown(executor):
    await executor.execute(Block(session="c", blocks=("x = 5",)))
    found = await executor.execute(Block(session="c", blocks=("x = 5", "x")))
    assert (found.text, found.outcome, found.replayed) == ("5\n", "done", 0)


async def test_a_session_that_is_not_held_is_replayed(executor):
    found = await executor.execute(Block(session="never seen", blocks=("x = 5", "x")))
    assert (found.text, found.outcome, found.replayed) == ("5\n", "done", 1)


async def test_the_least_recently_used_session_makes_room(executor):
    for number in range(LIMITS.sessions + 1):
        await executor.execute(Block(session=f"lru {number}", blocks=("x = 5",)))
    assert executor.counters.sessions <= LIMITS.sessions
    newest = await executor.execute(Block(session=f"lru {LIMITS.sessions}", blocks=("x = 5", "x")))
    oldest = await executor.execute(Block(session="lru 0", blocks=("x = 5", "x")))
    assert (newest.text, newest.replayed) == ("5\n", 0)
    assert (oldest.text, oldest.replayed) == ("5\n", 1)


async def test_an_exception_comes_back_as_text(executor):
    found = await executor.execute(Block(session="d", blocks=("1 / 0",)))
    assert found.outcome == "error"
    assert found.text.endswith("ZeroDivisionError: division by zero\n")
    assert not found.restarted


async def test_a_block_that_ends_its_process_loses_the_session(executor):
    found = await executor.execute(Block(session="e", blocks=("import os; os._exit(1)",)))
    assert (found.outcome, found.restarted) == ("died", True)


async def test_a_block_beyond_any_size_is_refused_in_words(executor):
    found = await executor.execute(Block(session="f", blocks=("#" * (BLOCK_BYTES + 1),)))
    assert found.outcome == "refused"
    assert "too long" in found.text


async def test_many_sessions_at_once_stay_apart(executor):
    blocks = [Block(session=f"apart {n}", blocks=("1 + 1",) if n % 2 else ("print('hello')",)) for n in range(10)]
    found = await asyncio.gather(*(executor.execute(block) for block in blocks))
    assert [one.text for one in found] == ["2\n" if n % 2 else "hello\n" for n in range(10)]


async def test_a_block_may_ask_for_less_than_it_could_have_and_not_for_more(executor):
    less = BlockLimits(seconds=1.0, memory=256 << 20, head_bytes=100, tail_bytes=50)
    more = BlockLimits(seconds=1e6, memory=1 << 50, head_bytes=1 << 30, tail_bytes=1 << 30)
    for number, limits in enumerate((less, more, None)):
        found = await executor.execute(Block(session=f"limits {number}", blocks=("1 + 1",), limits=limits))
        assert (found.text, found.outcome) == ("2\n", "done")


async def test_a_request_without_a_block_is_the_callers_error(executor):
    with pytest.raises(ExecutionError, match="no block"):
        await executor.execute(Block(session="g", blocks=()))


async def test_cancelling_ends_the_request_and_harms_no_other(executor):
    task = asyncio.create_task(executor.execute(Block(session="h", blocks=("x = 5", "while True: pass"))))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await executor.execute(Block(session="h", blocks=("x = 5", "x")))).text == "5\n"


async def test_counters_count_by_outcome():
    executor = ScriptedExecutor(WORDS)
    await executor.execute(Block(session="a", blocks=("1 / 0",)))
    await executor.execute(Block(session="b", blocks=("x = 5", "x")))
    counters = executor.counters
    assert counters.executions == {"error": 1, "done": 1}
    assert (counters.replays, counters.replayed) == (1, 1)
