"""The scripted engine behind an OpenAI-compatible endpoint, for dry runs and tests.

    python -m dart_k8s.edges.engine.scripted_server --port 0 --script FILE.json --log FILE

prints its base URL on the first line. The script file is that of `script.read_scripts`; there, "faults" is a list of
objects with the fields of `Fault`. The log has one JSON object per request: what was asked and what was answered.
A request's X-Request-Id is its name, so the same requests get the same responses.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import count
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

from dart_k8s.edges.engine.base import Completion, Message, Prompt, Request
from dart_k8s.edges.engine.script import read_scripts
from dart_k8s.edges.engine.scripted import ScriptedEngine
from dart_k8s.errors import EngineError, EngineRequestError, SpecError

__all__ = ["Fault", "ScriptedServer", "read_faults"]

MOST_BODY = 16 * 1024 * 1024
"""Bytes; a request beyond it is refused."""
REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    413: "Content Too Large",
    429: "Too Many Requests",
}
FAULTS = Literal["status", "html", "no-choices", "no-usage", "empty-usage", "disconnect", "slow", "hang"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What goes wrong with some of the completion requests, counted from 0 as they come in."""

    kind: FAULTS
    status: int = 429
    """For kind "status"."""
    first: int = 0
    """The first request that it hits."""
    times: int | None = None
    """How many it hits (None = all from then on)."""
    every: int = 1
    """Only each so-many-th from the first."""
    retry_after: float | None = None
    """Seconds to send in Retry-After, for kind "status"."""
    seconds: float = 1.0
    """How much later the answer comes, for kind "slow"."""

    def hits(self, number: int) -> bool:
        past, off = divmod(number - self.first, self.every)
        return past >= 0 and off == 0 and (self.times is None or past < self.times)


@dataclass(frozen=True, slots=True)
class _Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class _RefusedError(Exception):
    """An error answer: status, and words for its body."""

    def __init__(self, status: int, words: str, code: str | None = None) -> None:
        super().__init__(words)
        self.status, self.code = status, code


class ScriptedServer:
    """Serves one engine. Use `async with`; `url` is the base URL for clients."""

    def __init__(
        self,
        engine: ScriptedEngine,
        *,
        models: Sequence[str] = ("scripted",),
        faults: Sequence[Fault] = (),
        api_key: str | None = None,
        log: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        context: int | None = None,
    ) -> None:
        self.engine = engine
        self.url = ""
        self.faults = list(faults)
        self._models = tuple(models)
        self._api_key = api_key
        self._log_path = log
        self._host, self._port = host, port
        self._context = context
        self._numbers = count()
        self._names = count()
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "ScriptedServer":
        self._log = self._log_path.open("a", encoding="utf-8") if self._log_path else None
        await self.engine.start()
        self._server = await asyncio.start_server(self._connected, self._host, self._port, limit=MOST_BODY)
        self.url = f"http://{self._host}:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()
        await self.engine.close()
        if self._log:
            self._log.close()

    # HTTP/1.1, as little as clients need

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
        try:
            early = b""
            while (asked := await _read_request(reader, early)) is not None:
                answer = asyncio.create_task(self._answer(asked))
                # A client that hangs up while its answer is made aborts it; a byte that comes is its next request.
                watch = asyncio.create_task(reader.read(1))
                try:
                    await asyncio.wait({answer, watch}, return_when=asyncio.FIRST_COMPLETED)
                    gone = watch.done() and not watch.cancelled() and watch.result() == b""
                    if gone and not answer.done():
                        break
                    reply = await answer
                    early = watch.result() if watch.done() else b""
                finally:
                    answer.cancel()
                    watch.cancel()
                    await asyncio.gather(answer, watch, return_exceptions=True)
                if reply is None:
                    break
                writer.write(reply)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass  # A client that breaks off or speaks no HTTP gets no answer.
        except asyncio.CancelledError:
            pass  # The server closes.
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _answer(self, asked: _Asked) -> bytes | None:
        """The bytes of the whole reply; None = hang up."""
        try:
            if self._api_key is not None and asked.headers.get("authorization") != f"Bearer {self._api_key}":
                raise _RefusedError(401, "The key is not right.", "invalid_api_key")
            route = (asked.method, asked.path.split("?", 1)[0].rstrip("/"))
            if route == ("GET", "/v1/models"):
                served = [
                    {"id": name, "object": "model", "owned_by": "dart", "max_model_len": self._context}
                    for name in self._models
                ]
                return _reply(200, {"object": "list", "data": served})
            if route == ("POST", "/v1/completions"):
                return await self._complete(asked, chat=False)
            if route == ("POST", "/v1/chat/completions"):
                return await self._complete(asked, chat=True)
            raise _RefusedError(404, f"There is no {asked.method} {asked.path}.")
        except _RefusedError as error:
            return _refusal(error)

    # The API

    async def _complete(self, asked: _Asked, *, chat: bool) -> bytes | None:
        number = next(self._numbers)
        fault = next((fault for fault in self.faults if fault.hits(number)), None)
        record: dict[str, Any] = {"number": number, "path": asked.path}
        outcome: dict[str, Any] = {"status": 499}
        try:
            request, model, given = _read_body(asked, chat=chat, number=number)
            record |= {"name": request.name, "model": model, "asked": given}
            if model not in self._models:
                raise _RefusedError(404, f"The model `{model}` does not exist.", "model_not_found")
            if fault is not None:
                record["fault"] = fault.kind
                reply, done = await _spoil(fault)
                if done:
                    outcome = {"status": fault.status if fault.kind == "status" else 200}
                    return reply
            try:
                completion = await self.engine.generate(request)
            except EngineRequestError as error:
                raise _RefusedError(400, str(error), "context_length_exceeded") from error
            except EngineError as error:
                raise _RefusedError(503, str(error)) from error
            outcome = {
                "status": 200,
                "text": completion.text,
                "tokens": completion.tokens,
                "prompt_tokens": completion.prompt_tokens,
                "finish": completion.finish,
            }
            return _reply(200, _completion_body(completion, model, number, chat=chat, fault=fault))
        except _RefusedError as error:
            outcome = {"status": error.status}
            raise
        finally:
            # Status 499 (as nginx has it): the client hung up.
            if self._log:
                print(json.dumps(record | outcome, ensure_ascii=False), file=self._log, flush=True)


def _completion_body(
    completion: Completion, model: str, number: int, *, chat: bool, fault: Fault | None
) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": 0, "finish_reason": completion.finish, "logprobs": None}
    choice["stop_reason"] = completion.stop
    if chat:
        choice["message"] = {"role": "assistant", "content": completion.text}
    else:
        choice["text"] = completion.text
    body: dict[str, Any] = {
        "id": f"cmpl-{number}",
        "object": "chat.completion" if chat else "text_completion",
        "created": 0,
        "model": model,
        "choices": [choice],
        "usage": {
            "prompt_tokens": completion.prompt_tokens,
            "completion_tokens": completion.tokens,
            "total_tokens": completion.prompt_tokens + completion.tokens,
        },
    }
    if fault is not None and fault.kind == "no-usage":
        del body["usage"]
    if fault is not None and fault.kind == "empty-usage":
        body["usage"] = {}
    if fault is not None and fault.kind == "no-choices":
        del body["choices"]
    return body


async def _spoil(fault: Fault) -> tuple[bytes | None, bool]:
    """Do what a fault does before the engine is asked: the reply, and whether that was all."""
    match fault.kind:
        case "status":
            headers = "" if fault.retry_after is None else f"Retry-After: {fault.retry_after:g}\r\n"
            return _refusal(_RefusedError(fault.status, "The script says so."), headers), True
        case "html":
            return _raw(200, "text/html", b"<html><body>Welcome!</body></html>"), True
        case "disconnect":
            return None, True
        case "hang":
            await asyncio.Event().wait()
        case "slow":
            await asyncio.sleep(fault.seconds)
        case _:
            pass
    return b"", False


def _read_body(asked: _Asked, *, chat: bool, number: int) -> tuple[Request, str, dict[str, Any]]:
    try:
        given = json.loads(asked.body)
        if given.get("stream") or given.get("n", 1) != 1:
            raise _RefusedError(400, "This server does not stream and gives one choice.")
        prompt: Prompt
        prefix = ""
        if chat:
            turns = list(given["messages"])
            if given.get("continue_final_message"):
                prefix = turns.pop()["content"]
            prompt = tuple(Message(role=turn["role"], content=turn["content"]) for turn in turns)
        else:
            prompt = given["prompt"]
            if not isinstance(prompt, str):
                raise TypeError("the prompt must be one text")
        stop = given.get("stop") or ()
        name = asked.headers.get("x-request-id")
        request = Request(
            name=unquote(name) if name else f"request-{number}",
            prompt=prompt,
            prefix=prefix,
            max_tokens=int(given.get("max_completion_tokens") or given.get("max_tokens") or 16),
            temperature=float(given.get("temperature", 1.0)),
            top_p=float(given.get("top_p", 1.0)),
            stop=(stop,) if isinstance(stop, str) else tuple(stop),
            seed=given.get("seed"),
        )
        return request, str(given["model"]), given
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _RefusedError(400, f"The request can't be read: {error!r}.") from error


async def _read_request(reader: asyncio.StreamReader, early: bytes) -> _Asked | None:
    """The next request of a connection; None when the client has closed it."""
    try:
        head = early + await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name
    }
    length = int(headers.get("content-length", "0"))
    if length > MOST_BODY:
        raise ValueError(f"{length} bytes are too many")
    return _Asked(method, path, headers, await reader.readexactly(length))


def _raw(status: int, kind: str, body: bytes, headers: str = "") -> bytes:
    reason = REASONS.get(status, "Error")
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode("latin-1") + body


def _reply(status: int, body: object, headers: str = "") -> bytes:
    return _raw(status, "application/json", json.dumps(body).encode(), headers)


def _refusal(error: _RefusedError, headers: str = "") -> bytes:
    body = {"error": {"message": str(error), "type": "error", "code": error.code, "param": None}}
    return _reply(error.status, body, headers)


def read_faults(path: Path) -> list[Fault]:
    """The faults of a script file. Raises SpecError."""
    known = {field.name for field in fields(Fault)}
    faults = []
    for entry in json.loads(path.read_text("utf-8")).get("faults", ()):
        unknown = sorted(set(entry) - known)
        if unknown or "kind" not in entry:
            raise SpecError(
                f"A fault of {path} is {entry}.", remedy=f"It needs kind; known fields: {', '.join(sorted(known))}."
            )
        faults.append(Fault(**entry))
    return faults


async def _serve(arguments: argparse.Namespace) -> None:
    engine = ScriptedEngine(
        read_scripts(arguments.script),
        slots=arguments.slots,
        seed=arguments.seed,
        seconds_per_token=arguments.seconds_per_token,
        context=arguments.context,
    )
    server = ScriptedServer(
        engine,
        models=arguments.model or ["scripted"],
        faults=read_faults(arguments.script),
        api_key=arguments.api_key,
        log=arguments.log,
        host=arguments.host,
        port=arguments.port,
        context=arguments.context,
    )
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with server:
        print(server.url, flush=True)
        await stopped.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve scripted responses over the OpenAI API.")
    parser.add_argument("--script", type=Path, required=True, help="JSON: pass rates and answers by prompt, and faults")
    parser.add_argument("--log", type=Path, help="append what was asked and answered, a JSON object a line")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--model", action="append", help="a model to serve (again for more); default: scripted")
    parser.add_argument("--api-key", help="refuse requests without it")
    parser.add_argument("--slots", type=int, default=256, help="requests that run at once; more wait")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds-per-token", type=float, default=0.0)
    parser.add_argument("--context", type=int, help="tokens of prompt and response together")
    try:
        asyncio.run(_serve(parser.parse_args()))
    except (SpecError, OSError) as error:
        sys.exit(f"The scripted server can't run: {error}")


if __name__ == "__main__":
    main()
