"""A process that is asked to stop does not wait for work that can be cut off."""

import asyncio
import threading

import pytest

from dart_k8s.errors import EXIT_STOPPED, SpecError, StoppedError
from dart_k8s.workers.stopping import pause, unless_stopped


async def test_work_that_ends_gives_its_result() -> None:
    assert await unless_stopped(asyncio.Event(), lambda: 7) == 7


async def test_the_error_of_the_work_comes_through() -> None:
    def work() -> None:
        raise SpecError("no such field")

    with pytest.raises(SpecError, match="no such field"):
        await unless_stopped(asyncio.Event(), work)


async def test_work_in_the_middle_is_left_alone() -> None:
    stop, begun, let_go = asyncio.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        let_go.wait()

    running = asyncio.create_task(unless_stopped(stop, work))
    await asyncio.to_thread(begun.wait)
    stop.set()
    with pytest.raises(StoppedError) as error:
        await running
    let_go.set()
    assert error.value.exit_code == EXIT_STOPPED and "Run the same command" in error.value.remedy


async def test_waiting_ends_when_asked_to_stop() -> None:
    stop = asyncio.Event()
    await pause(stop, 0.0)
    stop.set()
    with pytest.raises(StoppedError):
        await pause(stop, 3600.0)
