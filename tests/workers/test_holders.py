"""Whether the holder of a claim is gone is said only where it is certain."""

import subprocess
import sys

import pytest

from dart_k8s.edges.store import MemoryStore
from dart_k8s.edges.store.local import LocalStore
from dart_k8s.workers.access import Access
from dart_k8s.workers.holders import claims_of, gone, holder_name

NAMED = "from dart_k8s.workers.holders import holder_name; print(holder_name('sampler'), flush=True); input()"


def test_a_process_is_not_gone_while_it_runs_and_is_when_it_was_killed() -> None:
    command = [sys.executable, "-c", NAMED]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert name.startswith("sampler-") and not gone(name)
        process.kill()
        process.stdout.read()  # ends when the process has, which is then a zombie until it is waited for
        process.wait()
        assert gone(name)


def test_two_names_of_one_process_differ() -> None:
    assert holder_name("planner") != holder_name("planner")
    assert not gone(holder_name("planner"))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda parts: [parts[0], "0" * 12, *parts[2:]], id="another machine, boot or process namespace"),
        pytest.param(lambda parts: [*parts[:3], "0", parts[4]], id="a start that is not known"),
        pytest.param(lambda parts: ["sampler-host", "4711", parts[4]], id="a name of an older version"),
        pytest.param(lambda parts: ["me"], id="any other name"),
    ],
)
def test_of_other_holders_nothing_is_said(change) -> None:
    parts = holder_name("sampler").rsplit("-", 4)
    parts[2] = str(2**22 + 1)  # no process has that number
    assert gone("-".join(parts))
    assert not gone("-".join(change(parts)))


def test_only_a_folder_of_this_machine_tells_the_dead(tmp_path) -> None:
    assert claims_of(Access(LocalStore(tmp_path)), "sampler", heartbeat=15.0, ttl=90.0).gone is not None
    assert claims_of(Access(MemoryStore("memory://x")), "sampler", heartbeat=15.0, ttl=90.0).gone is None
