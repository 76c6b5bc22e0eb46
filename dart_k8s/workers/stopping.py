"""Leaving at once when asked to: long work in a thread that the process does not wait for."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from dart_k8s.errors import StoppedError

T = TypeVar("T")


def stopped() -> StoppedError:
    """What a command that was asked to stop ends with."""
    return StoppedError()


async def unless_stopped(stop: asyncio.Event, work: Callable[[], T]) -> T:
    """The result of `work`, done in a thread; StoppedError as soon as `stop` is set.

    The thread is then left alone and ends with the process, so `work` has to be safe to cut off at any moment.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def settle(set_it: Callable[[Any], None], value: object) -> None:
        if not outcome.done():
            set_it(value)

    def run() -> None:
        set_it: Callable[[Any], None]
        told: object
        try:
            set_it, told = outcome.set_result, work()
        except BaseException as error:
            set_it, told = outcome.set_exception, error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, set_it, told)

    asked = asyncio.create_task(stop.wait(), name="stop")
    threading.Thread(target=run, name="work", daemon=True).start()
    waits: set[asyncio.Future[Any]] = {outcome, asked}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if not outcome.done():
            raise stopped()
        return outcome.result()
    finally:
        asked.cancel()
        outcome.cancel()


async def until_stopped(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work` in this loop; it is cancelled, and StoppedError raised, as soon as `stop` is set."""
    doing, asked = asyncio.create_task(work), asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait({doing, asked}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise stopped()
        return doing.result()
    finally:
        for task in (doing, asked):
            task.cancel()
        await asyncio.gather(doing, asked, return_exceptions=True)


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Sleep; StoppedError as soon as `stop` is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
    raise stopped()
