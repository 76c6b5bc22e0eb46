"""Orders of folds, and the child processes that carry them out."""

import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dart_k8s.operator.folders import Children
from dart_k8s.operator.folding import FAILED_PAUSE, Folds, Order, Outcome
from dart_k8s.operator.keys import Key
from dart_k8s.reconcile import Failure, Progress

A, B = Key("n", "a"), Key("n", "b")
WAITS = 20.0


def order(key: Key = A, output: str = "") -> Order:
    return Order(key=key, output=output or f"s3://bucket/{key.name}", declaration={}, samplers=1)


class Slow:
    """A folder whose folds end when the test says so."""

    def __init__(self, room: int = 9) -> None:
        self.under_way: list[tuple[Order, Callable[[Progress | Failure], None]]] = []
        self.forgotten: list[str] = []
        self.giving: list[Callable[[], None]] = []
        self.room = room

    def start(self, order: Order, ended: Callable[[Progress | Failure], None]) -> bool:
        if len(self.under_way) >= self.room:
            return False
        self.under_way.append((order, ended))
        return True

    def forget(self, output: str, ended: Callable[[], None]) -> None:
        self.forgotten.append(output)
        self.giving.append(ended)

    def end(self, told: Progress | Failure | None = None) -> None:
        self.under_way.pop(0)[1](told or Progress(prepared=True))


class Ordering:
    def __init__(self, room: int = 9) -> None:
        self.time, self.changed = 0.0, []
        self.slow = Slow(room)
        self.folds = Folds(
            self.slow, clock=lambda: self.time, now=lambda: 1000.0 + self.time, changed=self.changed.append
        )


def failure(reason: str = "StoreUnavailable") -> Failure:
    return Failure(what="fold", reason=reason, message="no answer", fault="store")


def test_a_fold_starts_when_it_is_due_and_the_earliest_wish_counts():
    here = Ordering()
    here.folds.order(order(), after=5)
    here.folds.order(order(), after=60)
    assert here.folds.next_due() == 5.0 and here.folds.step() == 0
    here.time = 5
    assert here.folds.step() == 1 and here.folds.outcome(A).under_way
    assert here.folds.next_due() is None


def test_an_output_is_folded_once_at_a_time_and_what_came_of_it_is_told():
    here = Ordering()
    here.folds.order(order(), after=0)
    here.folds.step()
    here.folds.order(order(), after=0)
    here.time = 0.1
    assert here.folds.step() == 0
    here.slow.end(Progress(prepared=True, trials=7))
    outcome = here.folds.outcome(A)
    assert outcome.progress is not None and outcome.progress.trials == 7 and outcome.progress_at == 1000.0
    assert here.changed == [A]


def test_the_pause_after_a_fold_is_ten_times_its_length():
    here = Ordering()
    here.folds.order(order(), after=0)
    here.folds.step()
    here.time = 4.0
    here.slow.end()
    here.folds.order(order(), after=2)
    assert here.folds.next_due() == 4.0 + 10.0 * 4.0


def test_a_failed_fold_is_a_fact_with_its_beginning_and_goes_with_the_next_success():
    here = Ordering()
    for at in (0.0, 100.0):
        here.time = at
        here.folds.order(order(), after=0)
        here.folds.step()
        here.slow.end(failure())
    found = here.folds.outcome(A).failure
    assert found is not None and found.since == 1000.0 and found.what == "fold"
    here.folds.order(order(), after=0)
    assert here.folds.next_due() == 100.0 + FAILED_PAUSE
    here.time = 200.0
    here.folds.step()
    here.slow.end()
    assert here.folds.outcome(A).failure is None


def test_what_finds_no_room_waits():
    here = Ordering(room=1)
    here.folds.order(order(A), after=0)
    here.folds.order(order(B), after=0)
    assert here.folds.step() == 1 and here.folds.outcome(B).under_way is False
    here.slow.end()
    assert here.folds.step() == 1 and here.folds.outcome(B).under_way


def test_a_forgotten_output_gives_its_role_back_after_the_fold_under_way():
    here = Ordering()
    here.folds.order(order(), after=0)
    here.folds.step()
    here.folds.forget(A)
    assert here.slow.forgotten == []
    here.slow.end()
    assert here.slow.forgotten == ["s3://bucket/a"] and here.folds.outcome(A).under_way
    here.slow.giving.pop()()
    assert here.folds.outcome(A) == Outcome() and here.changed == [A, A]


def test_a_run_that_ended_keeps_what_it_last_told():
    here = Ordering()
    here.folds.order(order(), after=0)
    here.folds.step()
    here.slow.end(Progress(prepared=True, phase="closed"))
    for _ in range(3):
        here.folds.forget(A, keep=True)
    here.slow.giving.pop()()
    assert here.slow.forgotten == ["s3://bucket/a"] and not here.slow.giving
    outcome = here.folds.outcome(A)
    assert outcome.progress is not None and outcome.progress.phase == "closed"


# -- children

SCRIPT = textwrap.dedent("""
    import json, os, signal, sys, time
    print("folding", file=sys.stderr)
    for line in sys.stdin:
        request = json.loads(line)
        told = open(sys.argv[1], "a")
        if "forget" in request:
            told.write("forget " + request["forget"] + chr(10)); told.close()
            continue
        told.write(str(os.getpid()) + " " + request["output"] + " " + request["lease"] + chr(10)); told.close()
        output = request["output"]
        if output.endswith("die"):
            os.kill(os.getpid(), signal.SIGKILL)
        if output.endswith("hang"):
            time.sleep(1000)
        if output.endswith("fail"):
            answer = {"error": {"kind": "AccessDenied", "message": "not allowed", "remedy": "r", "fault": "store"}}
        elif output.endswith("garbage"):
            print("Traceback: no JSON", flush=True)
            answer = {"progress": {"prepared": True, "trials": 1, "unknown": 2}}
        else:
            answer = {"progress": {"prepared": True, "trials": len(output)}}
        print(json.dumps({"id": request["id"], **answer}), flush=True)
    open(sys.argv[1], "a").write("end" + chr(10))
""")


class Processes:
    def __init__(self, folder: Path, **options: Any) -> None:
        (folder / "child.py").write_text(SCRIPT)
        self.log = folder / "log"
        self.told: list[str] = []
        self.children = Children(
            lease="dart/operator",
            command=(sys.executable, str(folder / "child.py"), str(self.log)),
            tell=lambda event, **facts: self.told.append(event),
            **options,
        )

    def fold(self, output: str) -> tuple[threading.Event, list[Progress | Failure]]:
        done, answers = threading.Event(), []

        def ended(told: Progress | Failure) -> None:
            answers.append(told)
            done.set()

        assert self.children.start(order(output=output), ended)
        return done, answers

    def answer(self, output: str) -> Progress | Failure:
        done, answers = self.fold(output)
        assert done.wait(WAITS)
        return answers[0]

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()


@pytest.fixture
def processes(tmp_path):
    made = Processes(tmp_path, most=2)
    yield made
    made.children.stop(5.0)


def test_a_fold_is_asked_of_a_child_and_answered(processes):
    told = processes.answer("s3://bucket/x")
    assert isinstance(told, Progress) and told.trials == len("s3://bucket/x")
    assert processes.lines()[0].endswith("s3://bucket/x dart/operator")


def test_an_output_stays_with_its_child_and_others_are_spread(processes):
    for output in ("a", "b", "a", "b", "a"):
        processes.answer(output)
    pids = {line.split()[1]: line.split()[0] for line in processes.lines()}
    assert pids["a"] != pids["b"]
    assert len({line.split()[0] for line in processes.lines() if line.split()[1] == "a"}) == 1


def test_an_error_of_a_fold_keeps_its_words(processes):
    told = processes.answer("fail")
    assert isinstance(told, Failure)
    assert (told.what, told.reason, told.message, told.remedy, told.fault) == (
        "fold", "AccessDenied", "not allowed", "r", "store",
    )  # fmt: skip


def test_noise_of_a_child_is_logged_and_passed_over(processes):
    told = processes.answer("garbage")
    assert isinstance(told, Progress) and told.trials == 1
    assert "fold-unreadable" in processes.told


def test_a_child_that_dies_fails_its_fold_and_the_next_one_gets_another_child(processes):
    told = processes.answer("die")
    assert isinstance(told, Failure) and told.reason == "FoldChildDied" and "SIGKILL" in told.message
    assert isinstance(processes.answer("a"), Progress)


def test_a_child_that_hangs_is_killed_at_the_deadline(tmp_path):
    time = [0.0]
    here = Processes(tmp_path, most=1, deadline=30.0, clock=lambda: time[0])
    done, answers = here.fold("hang")
    here.children.kill_late()
    assert not done.is_set()
    time[0] = 31.0
    here.children.kill_late()
    assert done.wait(WAITS) and isinstance(answers[0], Failure)
    assert isinstance(here.answer("a"), Progress)
    here.children.stop(5.0)


def test_roles_are_given_back_and_the_end_is_waited_for(processes):
    processes.answer("a")
    given = threading.Event()
    processes.children.forget("a", given.set)
    processes.children.stop(10.0)
    assert given.wait(WAITS)
    assert processes.lines()[-2:] == ["forget a", "end"]
    assert processes.children.pids() == []
    assert not processes.children.start(order(), lambda told: None)
