"""The work queue and its back-off."""

from hypothesis import given
from hypothesis import strategies as st

from dart_k8s.operator.keys import Key
from dart_k8s.operator.queue import BackOff, Queue

A, B = Key("a", "a"), Key("b", "b")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def made() -> tuple[Queue, Clock]:
    clock = Clock()
    return Queue(clock=clock, draw=lambda: 1.0, retries=BackOff(first=1.0, most=60.0)), clock


def test_a_key_is_given_out_once_however_often_it_was_added():
    queue, _ = made()
    for _ in range(3):
        queue.add(A)
    queue.add(B)
    assert [queue.take(), queue.take(), queue.take()] == [A, B, None]


def test_a_key_that_is_worked_on_comes_again_only_after_it_is_done():
    queue, _ = made()
    queue.add(A)
    assert queue.take() == A
    queue.add(A)
    assert queue.take() is None
    queue.done(A)
    assert queue.take() == A
    queue.done(A)
    assert queue.take() is None


def test_a_key_that_rests_is_not_given_out_before_however_often_it_is_added_and_others_are():
    queue, clock = made()
    queue.add(A)
    assert queue.take() == A
    queue.add(A)
    queue.done(A, rest=1.0)
    queue.add(A)
    queue.add(B)
    assert [queue.take(), queue.take()] == [B, None]
    assert queue.depth() == 0 and queue.next_due() == 101.0
    clock.at += 1.0
    assert queue.take() == A
    queue.done(A)
    queue.add(A)
    assert queue.take() == A


def test_a_delayed_key_comes_when_it_is_due_and_an_earlier_wish_wins():
    queue, clock = made()
    queue.add(A, after=10)
    queue.add(A, after=30)
    assert queue.next_due() == 110.0 and queue.depth() == 0
    clock.at += 9.9
    assert queue.take() is None
    queue.add(B, after=50)
    queue.add(B)
    assert queue.take() == B
    clock.at += 0.2
    assert queue.take() == A


def test_pauses_after_failures_double_up_to_a_bound_and_a_success_ends_them():
    queue, clock = made()
    pauses = [queue.retry(A) for _ in range(8)]
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    queue.succeeded(A)
    assert queue.retry(A) == 1.0
    assert queue.retry(B, at_least=7.0) == 7.0
    clock.at += 60
    assert {queue.take(), queue.take()} == {A, B}


def test_what_stood_there_before_workers_began_was_not_late_and_is_not_lost():
    waited: list[float] = []
    clock = Clock()
    queue = Queue(clock=clock, draw=lambda: 1.0, waited=waited.append)
    queue.add(A)
    queue.add(B, after=7200)
    clock.at += 3600
    queue.begin()
    clock.at += 2
    assert [queue.take(), queue.take()] == [A, None] and waited == [2]
    clock.at += 3600
    assert queue.take() == B


def test_a_closed_queue_gives_out_nothing():
    queue, _ = made()
    queue.add(A)
    queue.close()
    assert queue.take() is None and queue.get(0.0) is None


def test_how_long_a_key_waited_is_told():
    clock, waits = Clock(), []
    queue = Queue(clock=clock, waited=waits.append)
    queue.add(A, after=5)
    clock.at += 7
    queue.take()
    assert waits == [2.0]


STEPS = st.lists(st.tuples(st.sampled_from(["add", "later", "take", "done", "tick"]), st.integers(0, 3)), max_size=60)


@given(STEPS)
def test_no_key_is_lost_and_none_is_worked_on_twice_at_a_time(steps):
    queue, clock = made()
    working: set[Key] = set()
    owed: set[Key] = set()
    for what, number in steps:
        key = Key("n", str(number))
        if what == "add" or what == "later":
            queue.add(key, after=0 if what == "add" else number)
            owed.add(key)
        elif what == "take":
            taken = queue.take()
            if taken is not None:
                assert taken not in working
                working.add(taken)
                owed.discard(taken)
        elif what == "done" and key in working:
            working.remove(key)
            queue.done(key)
        elif what == "tick":
            clock.at += number
    for key in working:
        queue.done(key)
    clock.at += 10
    left = set()
    while (taken := queue.take()) is not None:
        left.add(taken)
    assert left == owed
