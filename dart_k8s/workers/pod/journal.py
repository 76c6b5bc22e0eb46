"""What a pod said, kept in the store: `dart logs` reads it when the pod is gone.

`state/logs/POD-NONCE/000000.jsonl` and on: lines as on standard output, with a time. Bounded in size: of a pod that
talks without end the newest part is kept. Written every minute and at the end, by a thread of its own, and never waited
for: a log is not worth a trial.
"""

import json
import secrets
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from dart_k8s.edges.store import Store
from dart_k8s.errors import DartError
from dart_k8s.ledger.keys import LOGS
from dart_k8s.workers.access import Tell

EVERY_SECONDS = 60.0
CLOSE_SECONDS = 3.0
PART_BYTES = 256 << 10
"""Of one object: it is written anew until it has so many."""
MOST_PARTS = 16
"""Of one pod: 4 MiB."""
LONGEST_LINE = 8 << 10


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Journal:
    """See the module. Use `tell` in place of the one it is given."""

    def __init__(self, tell: Tell, *, name: str | None = None, now: Callable[[], str] = _now) -> None:
        self._tell = tell
        self._now = now
        self._prefix = f"{LOGS}{name or socket.gethostname()}-{secrets.token_hex(4)}/"
        self._lock = threading.Lock()
        self._part = bytearray()
        self._full: list[tuple[int, bytes]] = []
        """Parts that are full and not written yet."""
        self._number = 0
        self._changed = False
        self._store: Store | None = None
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def tell(self, event: str, **facts: object) -> None:
        """Say it, and keep it."""
        self._tell(event, **facts)
        line = json.dumps({"time": self._now(), "event": event, **facts}, default=str).encode()
        if len(line) > LONGEST_LINE:
            line = json.dumps({"time": self._now(), "event": event, "cut": len(line)}).encode()
        with self._lock:
            self._part += line + b"\n"
            self._changed = True
            if len(self._part) >= PART_BYTES:
                self._full.append((self._number, bytes(self._part)))
                del self._full[:-MOST_PARTS]
                self._number += 1
                self._part.clear()

    def open(self, store: Store) -> None:
        """Begin to write; what was said before is written too."""
        self._store = store
        self._thread = threading.Thread(target=self._keep, name="journal", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write the rest, within a few seconds."""
        if self._thread is not None:
            self._closing.set()
            self._thread.join(CLOSE_SECONDS)

    def _keep(self) -> None:
        while not self._closing.wait(EVERY_SECONDS):
            with suppress(DartError):
                self.write()
        with suppress(DartError):
            self.write()

    def write(self) -> None:
        """Write what is new. Store errors; what was not written is tried again the next time."""
        store = self._store
        if store is None:
            return
        with self._lock:
            full, number = list(self._full), self._number
            rest = bytes(self._part) if self._changed else b""
            self._changed = False
        try:
            for at, part in full:
                store.put(self._key(at), part)
                if at >= MOST_PARTS:
                    store.delete(self._key(at - MOST_PARTS))
            if rest:
                store.put(self._key(number), rest)
        except BaseException:
            self._changed = True
            raise
        with self._lock:
            self._full = [one for one in self._full if one not in full]

    def _key(self, number: int) -> str:
        return f"{self._prefix}{number:06d}.jsonl"


__all__ = ["Journal"]
