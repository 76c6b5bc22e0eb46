"""The HTTP application around the endpoints, by Starlette: what all of them have in common is done here, once.

POST /v1/NAME   an endpoint: 200, or 4xx and 5xx with {"error": {"code", "message", "remedy"}}
GET  /v1/about  versions and limits
GET  /healthz   200 while the event loop turns
GET  /readyz    200 while requests are served: children warm, a real piece of work done through them a moment ago,
                not draining; else 503 with the reason
GET  /metrics   Prometheus
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from dart_k8s import __version__, answers
from dart_k8s.edges.metrics import Metric, Metrics
from dart_k8s.edges.verification import wire

from . import measures
from .endpoint import Endpoint, Refused
from .gate import Full
from .readiness import Readiness

__all__ = ["application"]

BODY_SECONDS = 30.0
"""Longest time in which a request's body has to come."""
DISCARD_SECONDS = 5.0
"""For how long the body of a refused request is read and thrown away: a client that is still writing would miss the
refusal."""
DISCARD_BYTES = 64 << 20
GONE = 499
"""Status, in logs and metrics only, of a request whose client had hung up."""

_build = {"version": __version__, "rules": answers.VERSION, "python": ".".join(map(str, sys.version_info[:3]))}
BUILD = Metric(
    name="dart_verifier_build_info", kind="gauge", help="1, with the versions of program, rules and Python as labels.",
    labels={name: (value,) for name, value in _build.items()},
)  # fmt: skip


def application(endpoints: Sequence[Endpoint], readiness: Readiness, metrics: Metrics) -> Starlette:
    """The ASGI application. Starting and closing the endpoints is the caller's."""
    metrics.set(BUILD, 1, **_build)
    for endpoint in endpoints:
        metrics.set(measures.CAPACITY, endpoint.gate.capacity, endpoint=endpoint.name)
    routes = [
        Route("/healthz", _alive),
        Route("/readyz", partial(_ready, endpoints, readiness)),
        Route("/metrics", partial(_metrics, endpoints, readiness, metrics)),
        Route("/v1/about", partial(_about, endpoints)),
    ]
    for endpoint in endpoints:
        work = partial(_endpoint, endpoint, readiness, metrics)
        routes.append(Route(f"/v1/{endpoint.name}", work, methods=["POST"]))
    known = ", ".join(sorted(f"/v1/{endpoint.name}" for endpoint in endpoints))
    return Starlette(
        routes=routes,
        exception_handlers={
            404: partial(_no_such, 404, "not-found", f"There is nothing here; there are {known} and /v1/about."),
            405: partial(_no_such, 405, "wrong-method", f"Another method is needed: POST for {known}, GET elsewhere."),
        },
    )


async def _alive(request: Request) -> Response:
    return _json(200, {"status": "alive"})


async def _ready(endpoints: Sequence[Endpoint], readiness: Readiness, request: Request) -> Response:
    problem = readiness.problem()
    facts = {endpoint.name: found for endpoint in endpoints if (found := endpoint.facts())}
    if readiness.reached is not None:
        facts["network"] = {"isolated": not readiness.reached, "reached": readiness.reached}
    return _json(503 if problem else 200, {"ready": not problem, "reason": problem, **facts})


async def _about(endpoints: Sequence[Endpoint], request: Request) -> Response:
    limits = {
        endpoint.name: {
            "body": endpoint.most_body,
            "queue": endpoint.gate.capacity,
            "seconds": endpoint.seconds,
            **endpoint.bounds(),
        }
        for endpoint in endpoints
    }
    return _json(200, {"format": wire.FORMAT, "rules": answers.VERSION, "program": __version__, "limits": limits})


async def _metrics(endpoints: Sequence[Endpoint], readiness: Readiness, metrics: Metrics, request: Request) -> Response:
    for endpoint in endpoints:
        metrics.set(measures.IN_FLIGHT, endpoint.gate.requests, endpoint=endpoint.name)
        metrics.set(measures.QUEUED, endpoint.gate.items, endpoint=endpoint.name)
        endpoint.measure()
    metrics.set(measures.READY, 0 if readiness.problem() else 1)
    body, media_type = metrics.render()
    return Response(body, headers={"content-type": media_type})


async def _no_such(status: int, code: str, message: str, request: Request, error: Exception) -> Response:
    return _refusal(Refused(status, code, message))


# Endpoints


async def _endpoint(endpoint: Endpoint, readiness: Readiness, metrics: Metrics, request: Request) -> Response:
    """One request to an endpoint, measured and logged."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    size = _size(request)
    body = _Body(request)
    log: dict[str, Any] = {"endpoint": endpoint.name, "bytes": size}
    try:
        response = await _served(endpoint, readiness, body, size, log)
    except Refused as refused:
        await body.discard()
        log["error"] = refused.message
        response = _refusal(refused, close=not body.over)
    except ClientDisconnect:
        response = Response(status_code=GONE)
    except Exception as error:
        # A fault of ours: said once, with its place, and without the request's texts.
        readiness.tell("fault", endpoint=endpoint.name, error=type(error).__name__, where=_where(error))
        response = _refusal(Refused(500, "fault", "The verifier failed on this request.", remedy="Its log says where."))
    seconds = loop.time() - began
    metrics.add(measures.REQUESTS, endpoint=endpoint.name, code=str(response.status_code))
    metrics.observe(measures.REQUEST_SECONDS, seconds, endpoint=endpoint.name)
    if "items" in log:
        metrics.observe(measures.REQUEST_ITEMS, log["items"], endpoint=endpoint.name)
    readiness.tell("request", code=response.status_code, seconds=round(seconds, 4), **log)
    return response


async def _served(
    endpoint: Endpoint, readiness: Readiness, body: "_Body", size: int | None, log: dict[str, Any]
) -> Response:
    if readiness.draining:
        words = "This verifier is stopping."
        raise Refused(503, "draining", words, remedy="Ask another one.", retry_after=1)
    if not readiness.started:
        words = f"This verifier is not ready: {readiness.problem()}."
        raise Refused(503, "starting", words, remedy="Ask another one, or later.", retry_after=1)
    if size is None:
        raise Refused(411, "no-length", "The request does not say how long its body is.", remedy="Send Content-Length.")
    if size > endpoint.most_body:
        raise Refused(
            413,
            "too-large",
            f"The body has {size} bytes, more than {endpoint.most_body}.",
            remedy="Send several smaller requests.",
        )
    try:
        with endpoint.gate.body(size):
            asked, items = endpoint.parse(await body.read())
            log["items"] = items
            with endpoint.gate.work(items):
                answer = await body.unless_gone(_in_time(endpoint, asked))
    except Full as full:
        words = f"The queue is full: {full.what}."
        remedy = f"Ask another verifier, or this one in {full.retry_after} s."
        raise Refused(429, "queue-full", words, remedy=remedy, retry_after=full.retry_after) from None
    return Response(answer, media_type="application/json")


async def _in_time(endpoint: Endpoint, asked: Any) -> bytes:
    try:
        async with asyncio.timeout(endpoint.seconds):
            return await endpoint.answer(asked)
    except TimeoutError:
        words = f"The request was not answered within {endpoint.seconds:g} s."
        remedy = "Ask another verifier, or send smaller requests."
        raise Refused(503, "too-slow", words, remedy=remedy, retry_after=endpoint.gate.wait()) from None


class _Body:
    """The body of one request, read once, and the connection behind it."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._stream = request.stream()
        self.over = False
        """Everything that the client sends has been read."""

    async def read(self) -> bytes:
        """All of it. Raises Refused (408), ClientDisconnect."""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                data = b"".join([chunk async for chunk in self._stream])
        except TimeoutError:
            raise Refused(408, "too-slow", f"The body did not come within {BODY_SECONDS:g} s.") from None
        self.over = True
        return data

    async def discard(self) -> None:
        """Read what is left and keep nothing."""
        size = 0
        with contextlib.suppress(TimeoutError, ClientDisconnect, RuntimeError):
            async with asyncio.timeout(DISCARD_SECONDS):
                async for chunk in self._stream:
                    size += len(chunk)
                    if size > DISCARD_BYTES:
                        return
                self.over = True

    async def unless_gone(self, work: Any) -> bytes:
        """The result of a coroutine, which is cancelled when the client hangs up (ClientDisconnect)."""
        task: asyncio.Task[bytes] = asyncio.ensure_future(work)
        gone = asyncio.ensure_future(self._gone())
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise ClientDisconnect
            return task.result()
        finally:
            gone.cancel()
            task.cancel()
            await asyncio.gather(task, gone, return_exceptions=True)

    async def _gone(self) -> None:
        while (await self._request.receive())["type"] != "http.disconnect":
            pass


def _size(request: Request) -> int | None:
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _refusal(refused: Refused, *, close: bool = False) -> Response:
    body = wire.write_refusal(wire.Refusal(code=refused.code, message=refused.message, remedy=refused.remedy))
    headers = {} if refused.retry_after is None else {"retry-after": str(refused.retry_after)}
    if close:
        headers["connection"] = "close"
    return Response(body, status_code=refused.status, headers=headers, media_type="application/json")


def _json(status: int, data: dict[str, Any]) -> Response:
    return Response(json.dumps(data), status_code=status, media_type="application/json")


def _where(error: BaseException) -> str:
    """File and line where an error arose: its message may hold a request's text."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
