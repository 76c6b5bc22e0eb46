"""The few calls to etcd that tests need, by its JSON gateway."""

import base64
import http.client
import json
from typing import Any

KEY = b"dart-tests"
"""Outside of what the API server keeps."""


class Etcd:
    """An etcd on this port of loopback. All calls raise OSError when it refuses or is away."""

    def __init__(self, port: int) -> None:
        self._port = port

    def healthy(self) -> bool:
        try:
            return bool(self._call("/health", None).get("health") == "true")
        except OSError:
            return False

    def revision(self) -> int:
        """Of the newest write to any key."""
        return int(self._call("/v3/kv/range", {"key": _encoded(KEY)})["header"]["revision"])

    def advance(self, writes: int) -> None:
        """Move the revision on by so many writes that no object shows."""
        for number in range(writes):
            self._call("/v3/kv/put", {"key": _encoded(KEY), "value": _encoded(str(number).encode())})

    def compact(self) -> int:
        """Forget all versions before the newest; its revision."""
        revision = self.revision()
        self._call("/v3/kv/compaction", {"revision": str(revision), "physical": True})
        return revision

    def _call(self, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            text = answer.read()
            if answer.status >= 400:
                raise OSError(f"etcd answered {answer.status} to {path} {body}: {text[:500]!r}")
            return json.loads(text)  # type: ignore[no-any-return]
        except (http.client.HTTPException, ValueError) as error:
            raise OSError(f"etcd gave no answer to {path}: {error}") from error
        finally:
            connection.close()


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
