"""Any endpoint that speaks the OpenAI API: completions for text prompts, chat completions for messages.

The `openai` package carries the requests; retries are counted and paced here, because a run waits out an overloaded
endpoint for minutes, where an interactive client gives up after seconds.
"""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import openai

from dart_k8s.edges.engine.base import Completion, EngineCounters, EngineInfo, Finish, Prompt, Request
from dart_k8s.errors import EngineDead, EngineError, EngineRequestError, EngineUnavailable, SpecError

__all__ = ["OpenaiEngine"]

BACKOFF_FIRST = 0.5
BACKOFF_MOST = 60.0
"""Seconds: the wait doubles from the first to the most, each drawn between half of it and all of it."""
RETRY_AFTER_MOST = 600.0
"""Seconds: an endpoint that asks for a longer wait is not obeyed beyond this."""
RETRIED = {408, 409, 425, 429}
"""Beside all of 5xx: timeout, conflict, too early, too many requests."""
REFUSED = {401, 403, 404}
CHARACTERS_PER_TOKEN = 4
"""For endpoints that report no usage; of English prose in common tokenizers."""
MOST_CONNECTIONS = 1000
"""The openai package opens no more at once."""


class _NonsenseError(Exception):
    """The endpoint's answer is none of the OpenAI API; the text says what it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    completion: Completion
    estimated: bool
    """The endpoint gave no usage: tokens are counted by characters."""


class OpenaiEngine:
    """One endpoint and one of its models."""

    def __init__(
        self,
        base_url: str,
        *,
        model: str | None = None,
        slots: int = 64,
        chat: bool = True,
        api_key: str | None = None,
        retries: int = 8,
        timeout: float = 600.0,
        extra_body: Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        """`model` None takes the only one that the endpoint serves. `chat` says which of the two APIs the probe at
        start() asks. `timeout` is seconds for one attempt. `extra_body` goes into each request (top_k, ...). `seed`
        seeds the jitter of the waits. The key is `api_key`, else OPENAI_API_KEY, else none.
        """
        if not base_url.startswith(("http://", "https://")):
            raise SpecError(
                f"engine.baseUrl is {base_url!r}.", remedy="It starts with http:// or https:// and mostly ends in /v1."
            )
        if not 1 <= slots <= MOST_CONNECTIONS:
            raise SpecError(f"engine.concurrency is {slots}: it must lie between 1 and {MOST_CONNECTIONS}.")
        self.slots = slots
        self.counters = EngineCounters()
        self._url = base_url.rstrip("/")
        self._model = model
        self._chat = chat
        self._api_key = api_key
        self._retries = retries
        self._timeout = timeout
        self._extra_body = dict(extra_body or {})
        self._random = random.Random(seed)
        self._free = asyncio.Semaphore(slots)
        self._client: openai.AsyncOpenAI | None = None
        self._limit_field = "max_tokens"
        self._running: set[asyncio.Task[_Answer]] = set()
        self._dead: str | None = None
        # Of finished requests: what an aborted one has probably cost by then.
        self._seconds = 0.0

    # Starting and closing

    async def start(self) -> EngineInfo:
        key = self._api_key
        try:
            self._client = openai.AsyncOpenAI(base_url=self._url, api_key=key, max_retries=0, timeout=self._timeout)
        except openai.OpenAIError:
            # No key anywhere. Local endpoints need none, but the package insists on one.
            self._client = openai.AsyncOpenAI(base_url=self._url, api_key="none", max_retries=0, timeout=self._timeout)
        served, models_failed = await self._models()
        if self._model is None:
            if len(served) != 1:
                names = ", ".join(sorted(served)) or f"nothing ({models_failed or 'an empty list'})"
                raise EngineError(
                    f"The endpoint {self._url} serves {names}.", remedy="Name one of its models in engine.model."
                )
            self._model = next(iter(served))
        answer = await self._probe(served)
        extra = {"endpoint": self._url, "api": "chat" if self._chat else "completions", "waste": "estimated"}
        if answer.estimated:
            extra["tokens"] = "estimated"
        context = served.get(self._model)
        return EngineInfo(
            kind="openai",
            model=self._model,
            revision=None,
            version=None,
            dtype=None,
            context=context,
            slots=self.slots,
            extra=extra,
        )

    async def _models(self) -> tuple[dict[str, int | None], str]:
        """Served models with their context (vLLM tells it), and why there are none: not every endpoint lists them."""
        if self._client is None:
            raise EngineError("The endpoint's models were asked for before start().")
        try:
            raw = await self._client.models.with_raw_response.list(timeout=min(30.0, self._timeout))
            data = json.loads(raw.text)["data"]
            lengths = {str(entry["id"]): entry.get("max_model_len") for entry in data}
        except openai.OpenAIError as error:
            return {}, str(error)
        except (ValueError, TypeError, KeyError, AttributeError):
            return {}, "its list of models is none"
        return {name: length if isinstance(length, int) else None for name, length in lengths.items()}, ""

    async def _probe(self, served: Mapping[str, int | None]) -> _Answer:
        """Ask for one token and judge the answer's shape, so that a run does not start on a broken endpoint."""
        from dart_k8s.edges.engine.base import Message

        prompt: Prompt = (Message(role="user", content="Hello"),) if self._chat else "Hello"
        request = Request(name="probe", prompt=prompt, max_tokens=1, temperature=0.0)
        where = f"The endpoint {self._url}"
        try:
            try:
                return await self._attempts(request, retries=min(3, self._retries))
            except openai.BadRequestError as error:
                # OpenAI's newer models renamed the field; most other servers know the old name only.
                if "max_completion_tokens" not in str(error):
                    raise
                self._limit_field = "max_completion_tokens"
                return await self._attempts(request, retries=min(3, self._retries))
        except EngineUnavailable as error:
            raise EngineUnavailable(
                f"{where} does not answer: {error.message}", remedy="Check engine.baseUrl and that the server runs."
            ) from error
        except openai.AuthenticationError as error:
            raise EngineError(
                f"{where} refuses the key (401): {_words(error)}", remedy="Set OPENAI_API_KEY to a key that it accepts."
            ) from error
        except openai.PermissionDeniedError as error:
            raise EngineError(
                f"{where} does not allow {self._model!r} with this key (403): {_words(error)}",
                remedy="Use another key in OPENAI_API_KEY, or another model.",
            ) from error
        except (openai.NotFoundError, openai.BadRequestError) as error:
            if served and self._model not in served:
                names = ", ".join(sorted(served))
                raise EngineError(
                    f"{where} has no model {self._model!r}.", remedy=f"It serves: {names}. Name one in engine.model."
                ) from error
            api = "chat completions" if self._chat else "completions"
            raise EngineError(
                f"{where} refuses a one-token request to its {api} for {self._model!r}: {_words(error)}",
                remedy="Check that engine.baseUrl ends in /v1, and that it serves prompts of this kind (chat or text).",
            ) from error
        except openai.APIStatusError as error:
            raise EngineError(f"{where} refuses a one-token request ({error.status_code}): {_words(error)}") from error
        except _NonsenseError as error:
            raise EngineError(
                f"{where} does not speak the OpenAI API: {error}.",
                remedy="Check engine.baseUrl; it mostly ends in /v1.",
            ) from error

    async def close(self) -> None:
        self._dead = self._dead or f"The connection to {self._url} was closed."
        for task in self._running:
            task.cancel()
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):
                await client.close()

    # Requests

    async def generate(self, request: Request) -> Completion:
        self.counters.requests += 1
        if self._client is None or self._dead is not None:
            raise EngineDead(self._dead or "The engine has not been started.")
        task = asyncio.create_task(self._in_a_slot(request))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            answer = await task
        except asyncio.CancelledError:
            if self._dead is not None:
                raise EngineDead(self._dead) from None
            self.counters.aborted += 1
            raise
        except openai.APIStatusError as error:
            words = f"{self._url} refuses request {request.name} ({error.status_code}): {_words(error)}"
            if error.status_code in REFUSED:
                raise EngineDead(words, remedy="The endpoint was fine at the start; look at its own log.") from error
            raise EngineRequestError(words) from error
        except _NonsenseError as error:
            raise EngineUnavailable(f"{self._url} answered request {request.name} with nonsense: {error}.") from error
        completion = answer.completion
        self.counters.tokens += completion.tokens
        self.counters.prompt_tokens += completion.prompt_tokens
        return completion

    async def _in_a_slot(self, request: Request) -> _Answer:
        async with self._free:
            began = time.monotonic()
            try:
                answer = await self._attempts(request, retries=self._retries)
            except asyncio.CancelledError:
                self.counters.wasted_tokens += self._probably(time.monotonic() - began, request.max_tokens)
                raise
            self._seconds += time.monotonic() - began
            return answer

    def _probably(self, seconds: float, most: int) -> int:
        """Tokens that a request has cost after `seconds`, by the pace of the finished ones."""
        if self._seconds <= 0:
            return 0
        return min(most, round(seconds * self.counters.tokens / self._seconds))

    async def _attempts(self, request: Request, *, retries: int) -> _Answer:
        wait = BACKOFF_FIRST
        for attempt in range(retries + 1):
            asked: float | None = None
            try:
                return await self._ask(request)
            except openai.APITimeoutError:
                why = f"no answer within {self._timeout:g} s"
            except openai.APIConnectionError as error:
                why = f"{error.__cause__ or error}"
            except openai.APIStatusError as error:
                if error.status_code not in RETRIED and error.status_code < 500:
                    raise
                why = f"{error.status_code}: {_words(error)}"
                asked = _retry_after(error.response.headers)
            if attempt < retries:
                self.counters.retries += 1
                self.counters.trouble = why
                await asyncio.sleep(max(asked or 0.0, wait * self._random.uniform(0.5, 1.0)))
                wait = min(BACKOFF_MOST, 2 * wait)
        raise EngineUnavailable(
            f"Request {request.name} to {self._url} failed {retries + 1} times, last with: {why}",
            remedy="Lower engine.concurrency if it is overloaded.",
        )

    async def _ask(self, request: Request) -> _Answer:
        if self._client is None:
            raise EngineDead(self._dead or "The engine has not been started.")
        body: dict[str, Any] = {self._limit_field: request.max_tokens, **self._extra_body}
        if request.stop:
            body["stop"] = list(request.stop)
        if request.seed is not None:
            body["seed"] = request.seed
        model = self._model or ""
        # Servers log it, so that a response can be found again there.
        headers = {"X-Request-Id": quote(request.name, safe="/#:.-_")}
        if isinstance(request.prompt, str):
            done = await self._client.completions.with_raw_response.create(
                model=model,
                prompt=request.prompt + request.prefix,
                temperature=request.temperature,
                top_p=request.top_p,
                extra_body=body,
                extra_headers=headers,
            )
            return _read(done.text, request)
        chat: Any = [{"role": message.role, "content": message.content} for message in request.prompt]
        if request.prefix:
            # What vLLM, SGLang and others understand; an API that does not refuses the fields or starts a new message.
            chat.append({"role": "assistant", "content": request.prefix})
            body |= {"continue_final_message": True, "add_generation_prompt": False}
        said = await self._client.chat.completions.with_raw_response.create(
            model=model,
            messages=chat,
            temperature=request.temperature,
            top_p=request.top_p,
            extra_body=body,
            extra_headers=headers,
        )
        return _read(said.text, request)

    async def count_tokens(self, prompt: Prompt) -> int | None:
        """The OpenAI API has no way to ask."""
        return None


def _read(text: str, request: Request) -> _Answer:
    """A completion out of a response body. Raises _NonsenseError, EngineRequestError for a refused response."""
    try:
        body = json.loads(text)
    except ValueError:
        raise _NonsenseError(f"its answer is no JSON but {text[:80]!r}") from None
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise _NonsenseError(f"its answer has no choices: {text[:120]!r}")
    choice = choices[0]
    if isinstance(request.prompt, str):
        content = choice.get("text")
    else:
        message = choice.get("message")
        content = message.get("content", "") if isinstance(message, dict) else None
        # A model that thought until its limit, or declined, has no content.
        content = "" if content is None and isinstance(message, dict) else content
    if not isinstance(content, str):
        raise _NonsenseError(f"its first choice has no text: {text[:120]!r}")
    reason = choice.get("finish_reason")
    if reason == "content_filter":
        raise EngineRequestError(f"Request {request.name}: the endpoint's content filter withheld the response.")
    usage = body.get("usage")
    estimated = usage is None
    if estimated:
        size = len(request.prompt) if isinstance(request.prompt, str) else sum(len(m.content) for m in request.prompt)
        tokens, prompt_tokens = len(content) // CHARACTERS_PER_TOKEN + 1, size // CHARACTERS_PER_TOKEN + 1
    else:
        tokens, prompt_tokens = _count(usage, "completion_tokens"), _count(usage, "prompt_tokens")
    # Servers name many reasons for a response that ended by itself (stop, eos_token, end_turn, ...).
    finish: Finish = "length" if reason == "length" else "stop"
    if reason is None and tokens >= request.max_tokens:
        finish = "length"
    # vLLM's servers tell the stop string; others don't.
    told = choice.get("stop_reason")
    stop = told if finish == "stop" and told in request.stop else None
    completion = Completion(text=_whole(content), tokens=tokens, prompt_tokens=prompt_tokens, finish=finish, stop=stop)
    return _Answer(completion=completion, estimated=estimated)


def _whole(text: str) -> str:
    """The text with U+FFFD for halves of characters, which JSON can hold (\\ud83d) and no file or store can."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _count(usage: object, name: str) -> int:
    number = usage.get(name) if isinstance(usage, dict) else None
    if not isinstance(number, int) or number < 0:
        raise _NonsenseError(f"its usage does not count tokens: {usage!r}")
    return number


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the endpoint asks to wait (RFC 9110 10.2.3: a number or a date; some send milliseconds)."""
    seconds: float | None = None
    with contextlib.suppress(ValueError, TypeError):
        if "retry-after-ms" in headers:
            seconds = float(headers["retry-after-ms"]) / 1000
    value = headers.get("retry-after")
    if seconds is None and value:
        try:
            seconds = float(value)
        except ValueError:
            with contextlib.suppress(ValueError, TypeError):
                seconds = parsedate_to_datetime(value).timestamp() - time.time()
    return None if seconds is None or seconds != seconds else min(RETRY_AFTER_MOST, max(0.0, seconds))


def _words(error: openai.APIStatusError) -> str:
    """What the endpoint said, without its JSON."""
    body = error.body
    if isinstance(body, dict):
        inner = body.get("error", body)
        said = inner.get("message") if isinstance(inner, dict) else inner
        if isinstance(said, str) and said:
            return said[:300]
    return (error.response.text or error.message)[:300]
