"""What an endpoint of the server is, and how it says no."""

from typing import Any, Protocol

from .gate import Gate

__all__ = ["Endpoint", "Refused"]


class Refused(Exception):
    """A request gets no reply but this: an HTTP status, a word for programs, a sentence for people, the way out."""

    def __init__(
        self, status: int, code: str, message: str, *, remedy: str = "", retry_after: int | None = None
    ) -> None:
        """`retry_after` in seconds, for 429 and 503."""
        super().__init__(message)
        self.status, self.code, self.message, self.remedy = status, code, message, remedy
        self.retry_after = retry_after


class Endpoint(Protocol):
    """POST /v1/`name`: bytes in, bytes out; JSON both."""

    name: str
    """One word: the path, and the value of the label `endpoint` in metrics."""
    most_body: int
    """Bytes of the largest body; a larger one is refused (413) unread."""
    seconds: float
    """Longest time that one request may wait and work; then it is refused (503)."""
    gate: Gate
    """Its bounded queue, shared with no other endpoint. A request that finds no room is refused (429)."""

    async def start(self) -> None:
        """Start children and warm them up. Raises DartError if that is hopeless."""
        ...

    async def probe(self) -> str:
        """Do a real piece of work through a child. Empty, or one sentence why requests can't be served now."""
        ...

    def parse(self, body: bytes) -> tuple[Any, int]:
        """A request and how many items of the queue it takes. Raises Refused (400, 409, 413)."""
        ...

    async def answer(self, asked: Any) -> bytes:
        """The body of the reply. Raises Refused. Cancelled when the client has gone or the time is over."""
        ...

    def facts(self) -> dict[str, Any]:
        """What /readyz tells of it, besides whether it is ready: JSON-ready, known once it has started."""
        ...

    def bounds(self) -> dict[str, Any]:
        """What /v1/about tells of its limits, besides those that every endpoint has."""
        ...

    def measure(self) -> None:
        """Bring those metrics up to date that are read, not counted. Called before each scrape."""
        ...

    async def close(self) -> None:
        """End all children."""
        ...
