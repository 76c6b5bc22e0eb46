"""Which server gets the next request: the one with the fewest open responses, of those that are in order."""

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

__all__ = ["Pod", "Pods"]

BACKOFF_FIRST = 0.1
BACKOFF_MOST = 10.0
"""Seconds that a server which failed is left alone: doubling from the first to the most, each drawn between half of it
and all of it."""
RULES_SECONDS = 30.0
"""For how long one that judges by other rules is left alone: at the same address another may stand by then."""


@dataclass(slots=True, eq=False)
class Pod:
    """One server, by its address. Times are those of the caller's clock, in seconds."""

    url: str
    requests: int = 0
    """Under way."""
    items: int = 0
    """Responses in them."""
    failures: int = 0
    """In a row."""
    free_at: float = 0.0
    """Before that it is left alone."""
    trouble: str = ""
    """What it said or did last, if that was no verdict."""
    other_rules: bool = False
    fell_silent: bool = False
    """It went down or silent over its last request, and has not shown since that it is up."""


@dataclass(slots=True)
class Pods:
    """All servers known now."""

    most_requests: int
    """Under way at one server."""
    draw: random.Random = field(default_factory=random.Random)
    _pods: dict[str, Pod] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._pods)

    def urls(self) -> list[str]:
        """Their addresses."""
        return list(self._pods)

    def update(self, urls: Iterable[str]) -> bool:
        """The addresses as they are now; whether there is a new one. One that is gone gets nothing new; its requests
        under way may still end."""
        found = {url: self._pods.get(url) or Pod(url) for url in sorted(set(urls))}
        new = not found.keys() <= self._pods.keys()
        self._pods = found
        return new

    def choose(self, now: float, avoid: Collection[str] = ()) -> Pod | None:
        """The server for the next request, by preference none of those to `avoid`; None if all are busy or left
        alone."""
        able = [pod for pod in self._pods.values() if pod.free_at <= now and pod.requests < self.most_requests]
        able = [pod for pod in able if pod.url not in avoid] or able
        if not able:
            return None
        fewest = min(pod.items for pod in able)
        return self.draw.choice([pod for pod in able if pod.items == fewest])

    def at(self, url: str, now: float) -> Pod | None:
        """The server at an address, if it can take a request now."""
        pod = self._pods.get(url)
        return pod if pod is not None and pod.free_at <= now and pod.requests < self.most_requests else None

    def able(self, now: float) -> int:
        """How many could take a request now."""
        return sum(pod.free_at <= now and pod.requests < self.most_requests for pod in self._pods.values())

    def next_free(self, now: float) -> float | None:
        """When the next one that is left alone now may be asked again."""
        return min((pod.free_at for pod in self._pods.values() if pod.free_at > now), default=None)

    def succeeded(self, pod: Pod) -> None:
        """It gave verdicts."""
        pod.failures, pod.free_at, pod.trouble, pod.other_rules = 0, 0.0, "", False

    def failed(self, pod: Pod, now: float, trouble: str, *, retry_after: float | None = None) -> None:
        """It gave none: leave it alone for as long as it asks, or for longer each time."""
        wait = min(BACKOFF_MOST, BACKOFF_FIRST * 2.0 ** min(pod.failures, 16)) * self.draw.uniform(0.5, 1.0)
        pod.failures += 1
        pod.free_at = now + (wait if retry_after is None else retry_after)
        pod.trouble = trouble
        pod.other_rules = False

    def refused_rules(self, pod: Pod, now: float, trouble: str) -> None:
        """It judges by other rules."""
        pod.free_at, pod.trouble, pod.other_rules = now + RULES_SECONDS, trouble, True

    def all_have_other_rules(self) -> bool:
        """No server judges by the rules that were asked for."""
        return bool(self._pods) and all(pod.other_rules for pod in self._pods.values())

    def troubles(self) -> str:
        """What is wrong with each, in words; the first few."""
        told = [f"{pod.url}: {pod.trouble}" for pod in self._pods.values() if pod.trouble]
        more = f" and {len(told) - 3} more" if len(told) > 3 else ""
        return "; ".join(told[:3]) + more
