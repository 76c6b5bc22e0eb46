"""An engine that plays a script: known pass rates, known lengths, time that a virtual clock can run.

It ships for tests, benchmarks and dry runs. The same seed and the same request names give the same responses, whatever
the order or the concurrency. At temperature 0 a prompt has one response.
"""

import asyncio
from collections.abc import Mapping

from dart_k8s.edges.engine.base import Completion, EngineCounters, EngineInfo, Finish, Prompt, Request
from dart_k8s.edges.engine.script import CHARACTERS_PER_TOKEN, OUTPUT_FENCE, Script, Scripts, draw
from dart_k8s.errors import EngineDead, EngineError, EngineRequestError

__all__ = ["Script", "ScriptedEngine", "prompt_text"]


def prompt_text(prompt: Prompt) -> str:
    """A prompt as one text: that of a chat is its messages, a line each."""
    return prompt if isinstance(prompt, str) else "\n".join(message.content for message in prompt)


class ScriptedEngine:
    """Answers from scripts. `seconds_per_token` is loop time: 0 answers at the next turn of the event loop."""

    def __init__(
        self,
        scripts: Mapping[str, Script] | Scripts,
        *,
        slots: int = 256,
        seed: int = 0,
        seconds_per_token: float = 0.0,
        context: int | None = None,
        identical: bool = False,
        dies_after: int | None = None,
        hangs_after: int | None = None,
        fails_to_start: str | None = None,
        model: str = "scripted",
    ) -> None:
        """Faults: `identical` gives all requests of a prompt the same response; after `dies_after` finished requests
        all others end in EngineDead; requests begun after `hangs_after` never end; `fails_to_start` is start()'s
        error.
        """
        if slots < 1:
            raise EngineError(f"The scripted engine can't run with {slots} slots.", remedy="It needs at least one.")
        self.slots = slots
        self.counters = EngineCounters()
        self._find: Scripts = scripts if callable(scripts) else scripts.get
        self._seed = seed
        self._seconds_per_token = seconds_per_token
        self._context = context
        self._identical = identical
        self._dies_after = dies_after
        self._hangs_after = hangs_after
        self._fails_to_start = fails_to_start
        self._model = model
        self._free = asyncio.Semaphore(slots)
        self._running: set[asyncio.Future[None]] = set()
        self._begun = self._finished = 0
        self.peak = 0
        self._dead: str | None = None

    async def start(self) -> EngineInfo:
        if self._fails_to_start is not None:
            raise EngineError(self._fails_to_start)
        return EngineInfo(
            kind="scripted",
            model=self._model,
            revision=None,
            version=None,
            dtype=None,
            context=self._context,
            slots=self.slots,
            extra={"seed": str(self._seed)},
        )

    async def generate(self, request: Request) -> Completion:
        counters = self.counters
        counters.requests += 1
        if self._dead is not None:
            raise EngineDead(self._dead)
        prompt = request.prompt if isinstance(request.prompt, str) else prompt_text(request.prompt)
        script = self._find(prompt)
        if script is None:
            raise EngineRequestError(f"Request {request.name}: the script knows no prompt {prompt[-200:]!r}.")
        whole = prompt + request.prefix
        prompt_tokens = len(whole) // CHARACTERS_PER_TOKEN + 1
        room = request.max_tokens
        if self._context is not None:
            room = min(room, self._context - prompt_tokens)
            if room < 1:
                raise EngineRequestError(
                    f"Request {request.name}: its prompt has {prompt_tokens} tokens, the context {self._context}."
                )
        # The lone zero bytes keep ("a", 1) and ("a1", None) apart.
        if self._identical or request.temperature == 0:
            key = f"{self._seed}\0{whole}"
        else:
            key = f"{self._seed}\0{request.name}\0{request.seed}"
        rounds = whole[max(0, whole.rfind(script.match or whole)) :].count(OUTPUT_FENCE) if script.code else 0
        drawn = draw(script, key.encode("utf-8", "surrogatepass"), rounds=rounds)
        tokens = min(drawn.tokens, room)
        await self._spend(tokens)
        text = drawn.text
        finish: Finish = "stop"
        if drawn.tokens > room:
            finish = "length"
            # Cut before the answer in any case: a response that was cut off has none.
            text = text[: min(room * CHARACTERS_PER_TOKEN, text.rindex("The answer is"))]
        ended: str | None = None
        for stop in request.stop:
            place = text.find(stop)
            if place >= 0:
                text, finish, ended = text[:place], "stop", stop
        counters.tokens += tokens
        counters.prompt_tokens += prompt_tokens
        self._finished += 1
        if self._dies_after is not None and self._finished >= self._dies_after:
            self._die(f"The scripted engine died after {self._finished} requests, as it was told.")
        return Completion(text=text, tokens=tokens, prompt_tokens=prompt_tokens, finish=finish, stop=ended)

    async def _spend(self, tokens: int) -> None:
        """Wait for a slot, hold it for as long as `tokens` take, and count what an abort wastes."""
        began: float | None = None
        holds = False
        loop = asyncio.get_running_loop()
        try:
            await self._free.acquire()
            holds = True
            if self._dead is not None:
                raise EngineDead(self._dead)
            self._begun += 1
            done = loop.create_future()
            self._running.add(done)
            self.peak = max(self.peak, len(self._running))
            began = loop.time()
            timer = None
            if self._hangs_after is None or self._begun <= self._hangs_after:
                timer = loop.call_later(tokens * self._seconds_per_token, _end, done)
            try:
                await done
            finally:
                self._running.discard(done)
                if timer is not None:
                    timer.cancel()
        except asyncio.CancelledError:
            self.counters.aborted += 1
            if began is not None and self._seconds_per_token > 0:
                self.counters.wasted_tokens += min(tokens, int((loop.time() - began) / self._seconds_per_token))
            raise
        finally:
            if holds:
                self._free.release()

    def _die(self, why: str) -> None:
        self._dead = why
        for done in list(self._running):
            if not done.done():
                done.set_exception(EngineDead(why))

    async def count_tokens(self, prompt: Prompt) -> int | None:
        return len(prompt_text(prompt)) // CHARACTERS_PER_TOKEN + 1

    async def close(self) -> None:
        if self._dead is None:
            self._die("The scripted engine was closed.")


def _end(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
