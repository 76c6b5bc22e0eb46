"""The three pipes of a session, seen from outside, and one question over them."""

import asyncio
import enum
import json
import os
from contextlib import suppress

from dart_k8s.edges.execution.limits import Limits
from dart_k8s.edges.execution.reading import Ends, Output
from dart_k8s.edges.execution.session import STARTED

__all__ = ["Pipes", "Stop"]

CHUNK = 1 << 16


class Stop(enum.Enum):
    """Why a block is over. Only the first three leave a session that can go on."""

    DONE = "done"
    ERROR = "error"
    INTERRUPTED = "timeout"
    LATE = "late"
    """Neither done nor interrupted in time."""
    FLOOD = "flood"
    BROKEN = "broken"
    """What it says is no message of a session."""
    ENDED = "ended"
    """It has closed its pipe: its process is gone, or does as if."""


class Pipes:
    """Ends of this process are non-blocking; the others are for the session and closed here once it has them."""

    def __init__(self) -> None:
        into_theirs, self._into = os.pipe()
        self._out, out_theirs = os.pipe()
        self._ends, ends_theirs = os.pipe()
        self.theirs = (into_theirs, out_theirs, ends_theirs)
        """What the session gets: blocks to read, output to write, ends of blocks to write."""
        self._open = True
        self.busy = False
        """Whether a block is running."""
        for descriptor in (self._into, self._out, self._ends):
            os.set_blocking(descriptor, False)

    def forked(self) -> None:
        """The session has its ends."""
        for descriptor in self.theirs:
            os.close(descriptor)
        self.theirs = (-1, -1, -1)

    def close(self) -> None:
        """Let go of this process's ends."""
        if self._open:
            self._open = False
            for descriptor in (self._into, self._out, self._ends):
                os.close(descriptor)

    async def started(self, limits: Limits) -> str:
        """Wait until the session is confined; empty, or why it is not. Nothing of a block is in its process by then."""
        stop, text = await self._until(STARTED, b"", limits.start_seconds, limits)
        return "" if stop is Stop.DONE else text or f"nothing was heard of it ({stop.value})"

    async def ask(self, number: int, code: str, seconds: float, limits: Limits) -> tuple[Stop, str]:
        """Hand a block to the session and wait until it is over, one way or another; what it printed."""
        message = json.dumps({"number": number, "code": code, "seconds": seconds}).encode()
        frame = len(message).to_bytes(4, "big") + message
        self.busy = True
        try:
            return await self._until(number, frame, seconds + limits.grace, limits)
        finally:
            self.busy = False

    async def _until(self, number: int, frame: bytes, seconds: float, limits: Limits) -> tuple[Stop, str]:
        """Send a frame and wait for the end that it asks for."""
        loop = asyncio.get_running_loop()
        over: asyncio.Future[Stop] = loop.create_future()
        output = Output(limits.head_bytes, limits.tail_bytes, limits.output_bytes)
        ends = Ends()

        def settle(stop: Stop) -> None:
            if not over.done():
                over.set_result(stop)

        def printed() -> None:
            data = _read(self._out)
            if data == b"":
                loop.remove_reader(self._out)
            elif data and not output.add(data):
                settle(Stop.FLOOD)

        def said() -> None:
            data = _read(self._ends)
            if data == b"":
                settle(Stop.ENDED)
            elif data:
                try:
                    end = ends.add(data)
                except (ValueError, RecursionError):
                    settle(Stop.BROKEN)
                else:
                    if end is not None:
                        settle(Stop(end.outcome) if end.number == number else Stop.BROKEN)

        loop.add_reader(self._out, printed)
        loop.add_reader(self._ends, said)
        timer = loop.call_later(seconds, settle, Stop.LATE)
        try:
            await self._send(frame, over)
            stop = await over
            # All that it printed before it said that it was done is in the pipe.
            while stop is not Stop.FLOOD and (data := _read(self._out)):
                if not output.add(data):
                    stop = Stop.FLOOD
        finally:
            timer.cancel()
            if self._open:
                loop.remove_reader(self._out)
                loop.remove_reader(self._ends)
        return stop, output.text()

    async def _send(self, frame: bytes, over: "asyncio.Future[Stop]") -> None:
        """Write the block; a session that does not read it is overdue like one that does not answer."""
        while frame and not over.done():
            try:
                frame = frame[os.write(self._into, frame) :]
            except BlockingIOError:
                await asyncio.sleep(0.01)
            except BrokenPipeError:
                return  # the end of the other pipe says the rest


def _read(descriptor: int) -> bytes | None:
    """What is there: nothing yet (None), or the end (empty)."""
    with suppress(BlockingIOError):
        try:
            return os.read(descriptor, CHUNK)
        except OSError as error:
            if isinstance(error, BlockingIOError):
                raise
            return b""
    return None
