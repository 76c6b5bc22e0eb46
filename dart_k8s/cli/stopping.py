"""Commands that work for long and have no event loop of their own leave as soon as they are asked to."""

import asyncio
import signal
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def stoppable(work: Callable[[], T]) -> T:
    """The result of `work`; StoppedError at once on Ctrl-C or SIGTERM, whatever library is computing by then.

    In the main thread Python would see a signal only when such a library comes back. `work` has to be safe to cut off
    at any moment.
    """
    from dart_k8s.workers.stopping import unless_stopped

    asked = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in asked}

    async def run() -> T:
        stop = asyncio.Event()
        for number in asked:
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        return await unless_stopped(stop, work)

    try:
        return asyncio.run(run())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
