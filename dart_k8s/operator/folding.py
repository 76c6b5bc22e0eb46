"""Folds and readings: orders for them, and when each is due. Who carries them out is `folders`; decisions see only what
came of it.

An order waits until it is due, until the last fold of the same output is some times its own length ago, and until its
child has room. Everything here is plain bookkeeping without a thread, so a simulation drives it in simulated time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import RLock
from typing import Any, Literal, Protocol

from dart_k8s.reconcile.facts import Failure, Found
from dart_k8s.reconcile.progress import Progress

from .keys import Key

__all__ = ["Folder", "Folds", "Order", "Outcome"]

LONGEST_PAUSE = 600.0
"""Seconds; even a fold of minutes comes again."""
FAILED_PAUSE = 30.0
"""Seconds after a fold that failed; the store had its retries by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A fold, or a reading, that is wanted."""

    key: Key
    output: str
    """URI."""
    declaration: Mapping[str, Any] = field(default_factory=dict)
    samplers: int = 1
    cause: str = ""
    ended: Mapping[str, int] = field(default_factory=dict)
    """What is known of samplers that ended well, by Job."""
    goal: str = ""
    """Digest of what the declaration is to make."""
    read: str = ""
    """Key of an object of the output that is to be read, and nothing else; "": it is to be folded."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What is known of an output's folds."""

    progress: Progress | None = None
    progress_at: float = 0.0
    """When the fold that told it began: seconds since the epoch, by the API server's clock."""
    ended: Mapping[str, int] = field(default_factory=dict)
    """What its order knew of samplers that had ended well, by Job."""
    goal: str = ""
    """Digest of what the run was to make, by its order."""
    found: Found | None = None
    """What was read last."""
    found_at: float = 0.0
    """When that began, by the same clock."""
    failure: Failure | None = None
    under_way: bool = False
    """A fold, or the giving back of the role: the output's objects are written."""


class Folder(Protocol):
    """Carries folds out, one of an output at a time."""

    def start(self, order: Order, ended: Callable[[Progress | Found | Failure], None]) -> bool:
        """Begin, and call `ended` once, from any thread, at the latest at the deadline. False: no room now."""

    def forget(self, output: str, ended: Callable[[], None]) -> None:
        """Give the planner's role back and call `ended` once, from any thread: nothing is written there any more."""


@dataclass(slots=True)
class _Book:
    outcome: Outcome = field(default_factory=Outcome)
    order: Order | None = None
    due: float = 0.0
    earliest: float = 0.0
    """By the length of the last fold."""
    output: str = ""
    gone: Literal["", "keep", "forget"] = ""
    """Forgotten while a fold was under way; keep: but for what it told."""


class Folds:
    """See the module. Safe for many threads."""

    def __init__(
        self,
        folder: Folder,
        *,
        clock: Callable[[], float],
        now: Callable[[], float],
        changed: Callable[[Key], None],
        took: Callable[[float, str], None] = lambda seconds, result: None,
        rest: float = 10.0,
    ) -> None:
        """`now`: seconds since the epoch, by the API server's clock. `changed`: a key's outcome is another one. `rest`:
        between two folds of an output, at least so many times the length of the last."""
        self._rest = rest
        self._folder, self._clock, self._now, self._changed, self._took = folder, clock, now, changed, took
        self._books: dict[Key, _Book] = {}
        self._lock = RLock()

    def outcome(self, key: Key) -> Outcome:
        """What came of a key's folds so far."""
        with self._lock:
            book = self._books.get(key)
            return book.outcome if book else Outcome()

    def order(self, order: Order, after: float) -> None:
        """Fold in so many seconds, or earlier if an earlier order says so."""
        with self._lock:
            book = self._books.setdefault(order.key, _Book())
            if book.output and book.output != order.output:
                self._folder.forget(book.output, lambda: None)
                book.outcome = Outcome(under_way=book.outcome.under_way)
            due = self._clock() + after
            book.due = due if book.order is None else min(book.due, due)
            book.order, book.output, book.gone = order, order.output, ""

    def cancel(self, key: Key) -> None:
        """No fold is wanted for now; the role is kept."""
        with self._lock:
            if book := self._books.get(key):
                book.order = None

    def forget(self, key: Key, *, keep: bool = False) -> None:
        """Give the role back. `keep`: what the last fold told stays known. Until it is given a fold is under way."""
        with self._lock:
            book = self._books.get(key)
            if book is None:
                return
            book.order = None
            if book.outcome.under_way:
                book.gone = "keep" if keep else "forget"
            elif book.output:
                output, book.output = book.output, ""
                book.gone, book.outcome = "keep" if keep else "forget", replace(book.outcome, under_way=True)
                self._folder.forget(output, lambda: self._given(key, book))
            elif not keep:
                del self._books[key]

    def _given(self, key: Key, book: _Book) -> None:
        """The role is given back."""
        with self._lock:
            gone, book.gone = book.gone, ""
            book.outcome = replace(book.outcome, under_way=False)
            if gone == "forget" and self._books.get(key) is book:
                del self._books[key]
        self._changed(key)

    def next_due(self) -> float | None:
        """When the first order can start, by the clock; None: none waits."""
        with self._lock:
            return min((self._at(book) for book in self._books.values() if self._waits(book)), default=None)

    def step(self) -> int:
        """Start what is due and finds room; how many."""
        started = 0
        with self._lock:
            now = self._clock()
            ready = sorted(
                (self._at(book), key)
                for key, book in self._books.items()
                if self._waits(book) and self._at(book) <= now
            )
            for _, key in ready:
                book = self._books[key]
                order = book.order
                if order is None:
                    continue
                began, began_at = now, self._now()
                book.order, book.outcome.under_way = None, True
                if not self._folder.start(order, lambda told, b=began, a=began_at, o=order: self._ended(o, b, a, told)):  # type: ignore[misc]
                    book.order, book.outcome.under_way = order, False
                    break
                started += 1
        return started

    def _waits(self, book: _Book) -> bool:
        return book.order is not None and not book.outcome.under_way

    def _at(self, book: _Book) -> float:
        return max(book.due, book.earliest)

    def _ended(self, order: Order, began: float, began_at: float, told: Progress | Found | Failure) -> None:
        key = order.key
        with self._lock:
            book = self._books.get(key)
            if book is None:
                return
            old, took = book.outcome, self._clock() - began
            book.earliest = self._clock() + min(LONGEST_PAUSE, self._rest * took)
            if isinstance(told, Failure):
                same = old.failure is not None and old.failure.reason == told.reason
                since = old.failure.since if same and old.failure else self._now()
                failure = Failure(
                    what="read" if order.read else "fold",
                    reason=told.reason,
                    message=told.message,
                    remedy=told.remedy,
                    fault=told.fault,
                    since=since,
                )
                book.outcome = replace(old, failure=failure, under_way=False)
                book.earliest = max(book.earliest, self._clock() + FAILED_PAUSE)
            elif isinstance(told, Found):
                book.outcome = replace(old, found=told, found_at=began_at, failure=None, under_way=False)
            else:
                book.outcome = Outcome(progress=told, progress_at=began_at, ended=order.ended, goal=order.goal)
            if book.gone:
                self.forget(key, keep=book.gone == "keep")
        self._took(took, told.fault if isinstance(told, Failure) else "done")
        self._changed(key)
