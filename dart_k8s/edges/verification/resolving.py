"""From the names of servers to all their addresses: a headless Service has one for each pod, and they change."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit, urlunsplit

from dart_k8s.errors import SpecError

__all__ = ["Resolve", "check_url", "resolve"]

Resolve = Callable[[str], Awaitable[list[str]]]
"""The base URLs of all servers behind one base URL; empty if it has none now."""


def check_url(url: str) -> str:
    """A base URL without its closing slash. SpecError if it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or port == 0:
        raise SpecError(
            f"{url!r} is no address of a verification service.", remedy="Write it like http://verifiers:8080."
        )
    return url.rstrip("/")


async def resolve(url: str) -> list[str]:
    """By the system's resolver. A name behind https stays as it is: the certificate is for the name."""
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname is None:
        return [url]
    port = parts.port or 80
    try:
        found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    hosts = {str(address[0]) for _, _, _, _, address in found}
    places = {f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host in hosts}
    return sorted(urlunsplit((parts.scheme, place, parts.path, "", "")) for place in places)
