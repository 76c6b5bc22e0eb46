"""A command in the middle of a library's work leaves when it is asked to."""

import signal
import threading

import pytest

from dart_k8s.cli.stopping import stoppable
from dart_k8s.errors import EXIT_STOPPED, SpecError, StoppedError


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_work_that_notices_nothing_is_left_at_once(asked: signal.Signals) -> None:
    let_go = threading.Event()

    def work() -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, asked)
        let_go.wait()

    before = signal.getsignal(asked)
    with pytest.raises(StoppedError) as error:
        stoppable(work)
    let_go.set()
    assert error.value.exit_code == EXIT_STOPPED
    assert signal.getsignal(asked) is before


def test_results_and_errors_come_through() -> None:
    def refuse() -> None:
        raise SpecError("no such field")

    assert stoppable(lambda: 7) == 7
    with pytest.raises(SpecError, match="no such field"):
        stoppable(refuse)
