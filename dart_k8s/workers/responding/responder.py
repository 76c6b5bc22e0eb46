"""What the sampler asks for a response: hides whether it takes one request to the engine or several."""

import asyncio
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from dart_k8s.edges.engine.base import Engine, Request
from dart_k8s.edges.execution.base import Block, Execution, Executor
from dart_k8s.errors import EngineRequestError, ExecutionError
from dart_k8s.ledger.segments import Span
from dart_k8s.workers.access import FIRST_WAIT, LONGEST_WAIT, Tell, silent

from .path import End, Limits, Path, Run, ran, wrote

__all__ = ["PlainResponder", "Responder", "Response", "ToolResponder"]

Use = Callable[[int], None]
"""Takes (1) or gives back (-1) the engine slot of the path that calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A whole response."""

    text: str
    tokens: int
    """That the model wrote."""
    prompt_tokens: int
    """Of the prompt alone."""
    finish: str
    """stop | length | executions"""
    spans: tuple[Span, ...] = ()


class Responder(Protocol):
    """Makes responses."""

    async def respond(self, request: Request, use: Use) -> Response:
        """One whole response; it holds a slot when it begins and when it ends, however it ends. Cancelling aborts it.

        Raises what the engine raises, and ExecutionError if code can't be run for a long time.
        """
        ...


class PlainResponder:
    """One request, one response."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def respond(self, request: Request, use: Use) -> Response:
        """See `Responder`."""
        completion = await self._engine.generate(request)
        return Response(
            text=completion.text,
            tokens=completion.tokens,
            prompt_tokens=completion.prompt_tokens,
            finish=completion.finish,
        )


class ToolResponder:
    """Tool-integrated responses: stops at code, runs it, goes on. While code runs the path holds no engine slot.

    `patience` is in seconds: for how long an executor that is out of order is waited for.
    """

    def __init__(
        self,
        engine: Engine,
        executor: Executor,
        *,
        executions: int,
        patience: float = 900.0,
        tell: Tell = silent,
    ) -> None:
        self._engine = engine
        self._executor = executor
        self._executions = executions
        self._patience = patience
        self._tell = tell
        # Several runs may share a service, and their requests have the same names.
        self._own = secrets.token_hex(8)
        self._out = False
        """Whether the executor was out of order when it was last asked."""

    async def respond(self, request: Request, use: Use) -> Response:
        """See `Responder`."""
        limits = Limits(max_tokens=request.max_tokens, executions=self._executions)
        path, prompt_tokens, number = Path(), 0, 0
        left = request.max_tokens
        while True:
            asked = _round(request, path, number, left)
            try:
                completion = await self._engine.generate(asked)
            except EngineRequestError:
                if number == 0:
                    raise
                # The context is full: cut off, like one that is too long at once.
                return _response(path, prompt_tokens, "length")
            prompt_tokens = prompt_tokens or completion.prompt_tokens
            number += 1
            path, step = wrote(
                path, completion.text, completion.tokens, finish=completion.finish, stop=completion.stop, limits=limits
            )
            if isinstance(step, Run):
                execution = await self._run(f"{self._own}/{request.name}", step.blocks, use)
                path, step = ran(path, execution.text, restarted=execution.restarted, limits=limits)
            if isinstance(step, End):
                return _response(path, prompt_tokens, step.finish)
            left = step.max_tokens

    async def _run(self, name: str, blocks: tuple[str, ...], use: Use) -> Execution:
        use(-1)
        try:
            return await self._execute(Block(session=name, blocks=blocks))
        finally:
            use(1)

    async def _execute(self, block: Block) -> Execution:
        loop = asyncio.get_running_loop()
        give_up, wait = loop.time() + self._patience, FIRST_WAIT
        while True:
            try:
                execution = await self._executor.execute(block)
            except ExecutionError as error:
                if loop.time() + wait > give_up:
                    raise
                if not self._out:
                    self._tell("executor-unavailable", error=str(error))
                self._out = True
            else:
                if self._out:
                    self._tell("executor-back")
                self._out = False
                return execution
            await asyncio.sleep(wait * random.uniform(0.7, 1.3))
            wait = min(LONGEST_WAIT, 2 * wait)


def _round(request: Request, path: Path, number: int, max_tokens: int) -> Request:
    """The request of a round: its own name, and its own seed, or a model that samples by seed would repeat itself."""
    if number == 0:
        return request
    seed = None if request.seed is None else (request.seed + number) & 0x7FFFFFFF
    return replace(request, name=f"{request.name}~{number}", prefix=path.text, max_tokens=max_tokens, seed=seed)


def _response(path: Path, prompt_tokens: int, finish: str) -> Response:
    return Response(text=path.text, tokens=path.tokens, prompt_tokens=prompt_tokens, finish=finish, spans=path.parts())
