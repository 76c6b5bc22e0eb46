"""The sandbox beyond what every executor promises: what a block sees, what stops it, what is left afterwards."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import pytest_asyncio

from dart_k8s.edges.execution.base import Block
from dart_k8s.edges.execution.limits import Limits
from dart_k8s.edges.execution.sandbox import Sandbox
from dart_k8s.errors import ExecutionError

from .confined import ROOT

LIMITS = Limits(seconds=2.0, grace=0.3, memory=256 << 20, processes=2, sessions=3)

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux can confine code; run it in a container"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox():
    made = Sandbox(LIMITS)
    await made.start()
    yield made
    await made.close()


async def run(sandbox, *blocks, session="s"):
    return await sandbox.execute(Block(session=session, blocks=blocks))


SHOWN = [
    ("a value", "2 ** 10", "1024\n"),
    ("a text as its representation", "'a'", "'a'\n"),
    ("nothing for None", "None", ""),
    ("nothing for a statement", "x = 3", ""),
    ("only the trailing expression", "1\n2\n3", "3\n"),
    ("what is printed before it", "print('a')\n'b'", "a\n'b'\n"),
    ("nothing for a loop", "for i in range(3):\n    i", ""),
    ("an expression of SymPy", "import sympy\nsympy.sqrt(8)", "2*sqrt(2)\n"),
    ("an array", "import numpy as np\nnp.arange(3)", "array([0, 1, 2])\n"),
    (
        "a solution by SciPy",
        "from scipy.optimize import brentq\nround(brentq(lambda x: x**2 - 2, 0, 2), 6)",
        "1.414214\n",
    ),
    ("both streams in order", "import sys\nprint('a', flush=True)\nprint('b', file=sys.stderr)", "a\nb\n"),
    ("characters beyond ASCII", "print('π ≈ 3')", "π ≈ 3\n"),
    ("no control characters", "print('a\\x1b[31m\\x00b')", "a[31mb\n"),
    ("bytes that are no text", "import os\nos.write(1, b'\\xff\\xfe')", "\ufffd\ufffd2\n"),
    ("an empty block", "", ""),
    ("a comment", "# nothing", ""),
    ("a file in the scratch", "open('f', 'w').write('x')\nopen('f').read()", "'x'\n"),
    ("modules of the standard library", "import csv, sqlite3, decimal, html\ndecimal.Decimal(1) / 3", None),
]


@pytest.mark.parametrize(("what", "code", "text"), SHOWN, ids=[case[0] for case in SHOWN])
async def test_it_shows(sandbox, what, code, text):
    found = await run(sandbox, code, session=what)
    assert found.outcome == "done", found.text
    assert text is None or found.text == text


ERRORS = [
    (
        "def f():\n    return [][1]\nf()",
        ['File "<block 1>", line 3', 'File "<block 1>", line 2', "IndexError: list index"],
    ),
    ("x = = 1", ['File "<block 1>", line 1', "SyntaxError"]),
    ("import requests", ["ModuleNotFoundError: No module named 'requests'"]),
    ("input()", ["EOFError"]),
    ("import sys; sys.exit('enough')", ["SystemExit: enough"]),
    ("import numpy as np\nnp.linalg.inv(np.zeros((2, 2)))", ["numpy/linalg", "LinAlgError: Singular matrix"]),
    ("class E(Exception):\n    def __str__(self): raise ValueError\nraise E", ["E"]),
    ("raise KeyboardInterrupt", ["KeyboardInterrupt"]),
    ("\x00", ["null byte"]),
]


@pytest.mark.parametrize(("code", "parts"), ERRORS, ids=[case[0][:30] for case in ERRORS])
async def test_a_traceback_says_what_happened_and_nothing_of_this_machine(sandbox, code, parts):
    found = await run(sandbox, code)
    assert found.outcome == "error"
    assert all(part in found.text for part in parts), found.text
    assert "session.py" not in found.text and "ast.py" not in found.text
    assert "site-packages" not in found.text and sys.base_prefix not in found.text


async def test_a_long_traceback_keeps_its_end(sandbox):
    found = await run(sandbox, "def f(n):\n    if n: f(n - 1)\n    else: raise ValueError('deep')\nf(200)")
    assert found.text.rstrip().endswith("ValueError: deep")
    assert len(found.text.splitlines()) < 15


async def test_of_a_long_output_both_ends_are_kept(sandbox):
    found = await run(sandbox, "for n in range(10_000): print(n)")
    assert found.outcome == "done"
    assert found.text.startswith("0\n1\n2\n") and found.text.endswith("9998\n9999\n")
    assert "left out" in found.text
    assert len(found.text) < LIMITS.head_bytes + LIMITS.tail_bytes + 100


async def test_an_interrupted_block_leaves_a_session_that_goes_on(sandbox):
    slow = "x = 7\nwhile True: pass"
    first = await run(sandbox, slow, session="slow")
    assert (first.outcome, first.restarted) == ("timeout", False)
    assert first.text == "TimeoutError: stopped after 2 s"
    assert (await run(sandbox, slow, "x", session="slow")).text == "7\n"


async def test_a_killed_block_loses_the_session_and_says_so(sandbox):
    stubborn = "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass"
    found = await run(sandbox, "x = 7", stubborn, session="stubborn")
    assert (found.outcome, found.restarted) == ("timeout", True)
    assert "starts anew" in found.text
    assert (await run(sandbox, "'x' in globals()", session="stubborn")).text == "False\n"


async def test_random_numbers_are_the_same_when_a_session_is_replayed(sandbox):
    blocks = ("import random, numpy\nx = random.random(), float(numpy.random.rand())", "x")
    one = await run(sandbox, *blocks, session="dice")
    for number in range(LIMITS.sessions):
        await run(sandbox, "0", session=f"push {number}")
    again = await run(sandbox, *blocks, session="dice")
    other = await run(sandbox, *blocks, session="other dice")
    assert again.replayed == 1
    assert one.text == again.text != other.text


async def test_a_session_whose_earlier_blocks_differ_is_not_taken_for_the_same(sandbox):
    await run(sandbox, "x = 'of another'", session="twice")
    found = await run(sandbox, "y = 1", "'x' in globals()", session="twice")
    assert (found.text, found.replayed) == ("False\n", 1)


async def test_a_session_that_has_answered_uses_no_processor(sandbox):
    # The block says that it is done and goes on.
    forged = (
        "import os, json\n"
        "end = json.dumps({'number': 0, 'outcome': 'done'}).encode()\n"
        "os.write(4, len(end).to_bytes(4, 'big') + end)\nwhile True: pass"
    )
    assert (await run(sandbox, forged, session="busy")).outcome == "done"
    session = sandbox._held["busy"]
    zygote = sandbox._zygote.process.pid
    states = await _settled(zygote)
    assert set(states) <= {"T", "S"}, states
    assert session.number in sandbox._alive


async def _settled(zygote, patience=200):
    """States of the children of a process, once none of them runs or the patience ends."""
    states = []
    for _ in range(patience):
        children = Path(f"/proc/{zygote}/task/{zygote}/children").read_text().split()
        states = [Path(f"/proc/{child}/stat").read_text().rpartition(") ")[2][0] for child in children]
        if "R" not in states:
            break
        await asyncio.sleep(0.01)
    return states


async def test_the_dead_are_buried(sandbox):
    for number in range(8):
        await run(sandbox, "import os; os._exit(1)", session=f"dead {number}")
    zygote = sandbox._zygote.process.pid
    assert "Z" not in await _settled(zygote)
    children = Path(f"/proc/{zygote}/task/{zygote}/children").read_text().split()
    assert len(children) <= LIMITS.sessions + 1


async def test_descriptors_do_not_pile_up(sandbox):
    await run(sandbox, "1", session="first")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(10):
        await run(sandbox, "1", session=f"pile {number}")
        await run(sandbox, "import os; os._exit(1)", session=f"pile dead {number}")
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 3 * LIMITS.sessions


async def test_it_gets_over_the_death_of_the_zygote(sandbox):
    await run(sandbox, "x = 5", session="survivor")
    os.kill(sandbox._zygote.process.pid, signal.SIGKILL)
    assert (await run(sandbox, "x = 5", "x", session="survivor")).text == "5\n"


async def test_a_block_that_lost_its_zygote_has_another_turn(sandbox):
    task = asyncio.create_task(run(sandbox, "import time\ntime.sleep(1)\n5", session="sleeper"))
    while not task.done() and not any(s.pipes.busy for s in sandbox._alive.values()):
        await asyncio.sleep(0.01)
    os.kill(sandbox._zygote.process.pid, signal.SIGKILL)
    assert (await task).text == "5\n"


async def test_it_refuses_to_start_below_the_minimum_unless_told_otherwise():
    bare = Sandbox(LIMITS, without=("namespaces", "landlock", "seccomp", "user"))
    with pytest.raises(ExecutionError, match=r"network, files.*can't be kept"):
        await bare.start()
    told = Sandbox(LIMITS, without=("namespaces", "landlock", "seccomp", "user"), unconfined=True)
    standing = await told.start()
    assert "network" in standing.missing
    await told.close()


async def test_without_namespaces_a_scratch_can_be_given(tmp_path):
    made = Sandbox(LIMITS, without=("namespaces", "user"), scratch=str(tmp_path))
    await made.start()
    await run(made, "open('f', 'w').write('x')", session="one")
    assert (await run(made, "import os\nos.listdir('.')", session="two")).text == "[]\n"
    assert (await run(made, f"open('{tmp_path}/new', 'w')", session="three")).outcome == "error"
    await made.close()
    assert list(tmp_path.iterdir()) == []


async def test_a_session_with_much_memory_of_its_own_does_not_wait_for_its_next_block(sandbox):
    blocks = ("import numpy\nhold = numpy.ones(10**7)\nprint(hold.nbytes)", "float(hold.sum())")
    first = await run(sandbox, *blocks[:1], session="heavy")
    assert first.text == "80000000\n"
    assert "heavy" not in sandbox._held
    second = await run(sandbox, *blocks, session="heavy")
    assert (second.text, second.replayed) == ("10000000.0\n", 1)


async def test_a_session_that_can_not_be_confined_is_the_sandboxs_error_and_runs_nothing(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    made = Sandbox(LIMITS, without=("namespaces", "user"), scratch=str(folder))
    await made.start()
    shutil.rmtree(folder)
    with pytest.raises(ExecutionError, match=r"could not be started: .*FileNotFoundError"):
        await run(made, "print('never')")
    await made.close()


SERVER = """
import asyncio, os, sys
from dart_k8s.edges.execution.base import Block
from dart_k8s.edges.execution.limits import Limits
from dart_k8s.edges.execution.sandbox import Sandbox

async def main():
    sandbox = Sandbox(Limits(processes=3), without=sys.argv[1].split(","))
    await sandbox.start()
    loop = ("while True: pass",)
    tasks = [asyncio.create_task(sandbox.execute(Block(session=str(n), blocks=loop))) for n in range(3)]
    zygote = sandbox._zygote.process.pid
    while sum(s.pipes.busy for s in sandbox._alive.values()) < 3:
        await asyncio.sleep(0.01)
    print(zygote, open(f"/proc/{zygote}/task/{zygote}/children").read(), flush=True)
    await asyncio.gather(*tasks)

asyncio.run(main())
"""


@pytest.mark.parametrize("without", ["", "namespaces,user"])
async def test_nothing_is_left_when_the_server_is_killed(without):
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, without],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    pids = [int(pid) for pid in server.stdout.readline().split()]
    assert len(pids) >= 4
    server.kill()
    server.wait()
    server.stdout.close()
    for _ in range(500):
        left = [pid for pid in pids if _runs(pid)]
        if not left:
            break
        await asyncio.sleep(0.02)
    assert left == []


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False
