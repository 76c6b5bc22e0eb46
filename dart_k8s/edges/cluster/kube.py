"""A real API server through the official client: the one importer of `kubernetes`.

Of that package we use what is hard to get right: credentials (in a pod, kubeconfig, exec plugins, refresh), TLS,
proxies and pooled connections. Objects stay the server's JSON: its typed models cost ten times the time, its Watch
class has no bookmarks and hangs on half-open connections, and its informer can't hold custom resources.
"""

import contextlib
import itertools
import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any

import msgspec
import urllib3
from kubernetes import config
from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.client.exceptions import ApiException

from dart_k8s.edges.cluster.answering import explain, status_of
from dart_k8s.edges.cluster.asking import METHODS, Sent, path_of, pause_of, words
from dart_k8s.edges.cluster.base import Change, Manifest, Object, Page, Resource
from dart_k8s.edges.cluster.limiting import Limiter
from dart_k8s.edges.cluster.resources import PODS
from dart_k8s.edges.cluster.whereabouts import HOME_KUBECONFIG, POD_NAMESPACE, Whereabouts, is_there
from dart_k8s.errors import ClusterUnavailable, SpecError
from dart_k8s.names import OPERATOR

__all__ = ["KubeCluster", "Sent", "Whereabouts", "connect", "whereabouts"]

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
"""Between two bytes of an answer."""
SILENCE_SECONDS = 75.0
"""A watch without a byte for so long is cut: bookmarks come every minute (apiserver's defaultBookmarkFrequency)."""
LOG_SILENCE_SECONDS = 3600.0
"""A followed log may say nothing for long."""
REPEATS = 3
"""Of a request that the server turned away (429) without beginning it; then the caller hears of it."""
LONGEST_PAUSE = 10.0
"""Seconds that a request waits in here at most because the server said Retry-After; more is the caller's to wait."""
CLOCKS_DIFFER = 3.0
"""Seconds between the server's clock and this one that count."""
CONNECTIONS = 64
"""Kept open for the next request: watches and workers together stay under it."""
_UNREADABLE = (config.ConfigException, OSError, ValueError, TypeError)
"""What the client raises for a kubeconfig that it can't use."""
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"


def whereabouts(kubeconfig: str = "", context: str = "") -> Whereabouts:
    """As kubectl finds out: --kubeconfig, else KUBECONFIG, else ~/.kube/config, else the pod's service account.

    Raises SpecError: no kubeconfig, or no such context in it.
    """
    files = kubeconfig or os.environ.get("KUBECONFIG") or str(HOME_KUBECONFIG)
    if not kubeconfig and not context and os.environ.get("KUBERNETES_SERVICE_HOST") and not is_there(files):
        with contextlib.suppress(OSError):
            return Whereabouts(kubeconfig="", context="", namespace=POD_NAMESPACE.read_text("utf-8").strip())
        return Whereabouts(kubeconfig="", context="", namespace="default")
    try:
        known, current = config.list_kube_config_contexts(files)
    except _UNREADABLE as error:
        raise _unreadable(files, error) from error
    found = next((one for one in known if one["name"] == context), None) if context else current
    if found is None:
        names = ", ".join(one["name"] for one in known) or "none"
        raise SpecError(f"There is no context '{context}' in {files}.", remedy=f"It has: {names}.")
    namespace = (found.get("context") or {}).get("namespace") or "default"
    return Whereabouts(kubeconfig=files, context=found["name"], namespace=namespace)


def _unreadable(where: str, error: Exception) -> SpecError:
    return SpecError(
        f"Cannot find out how to reach the cluster from {where}: {error}",
        remedy="Give a kubeconfig that kubectl works with, by --kubeconfig or KUBECONFIG.",
    )


def connect(
    *,
    kubeconfig: str = "",
    context: str = "",
    manager: str = OPERATOR,
    qps: float = 50.0,
    burst: int = 100,
    answer_seconds: float = ANSWER_SECONDS,
    silence_seconds: float = SILENCE_SECONDS,
    observe: Callable[[Sent], None] | None = None,
) -> "KubeCluster":
    """A cluster by a kubeconfig; without one, as the pod's service account, else by KUBECONFIG or ~/.kube/config.

    `manager`: field manager of what is written. Raises SpecError if there are no usable credentials.
    """
    settings = Configuration()
    try:
        if not kubeconfig and not context and os.environ.get("KUBERNETES_SERVICE_HOST"):
            config.load_incluster_config(settings)
        else:
            config.load_kube_config(kubeconfig or None, context or None, settings)
    except _UNREADABLE as error:
        raise _unreadable(kubeconfig or os.environ.get("KUBECONFIG") or str(HOME_KUBECONFIG), error) from error
    settings.retries = False
    settings.connection_pool_maxsize = CONNECTIONS
    settings.keep_alive = True
    api = ApiClient(settings)
    api.user_agent = manager
    return KubeCluster(
        api,
        limiter=Limiter(qps, burst),
        manager=manager,
        answer_seconds=answer_seconds,
        silence_seconds=silence_seconds,
        observe=observe,
    )


class KubeCluster:
    """See `Cluster`. Every request has a read timeout and waits for its turn by the client's own limit."""

    def __init__(
        self,
        api: ApiClient,
        *,
        limiter: Limiter,
        manager: str = OPERATOR,
        answer_seconds: float = ANSWER_SECONDS,
        silence_seconds: float = SILENCE_SECONDS,
        observe: Callable[[Sent], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api, self._limiter, self._manager = api, limiter, manager
        self._answer_seconds, self._silence_seconds = answer_seconds, silence_seconds
        self._observe, self._sleep = observe, sleep
        self._credentials = Lock()
        self._ahead = 0.0
        """Seconds that the server's clock is ahead of this one."""

    # -- reading

    def get(self, resource: Resource, namespace: str | None, name: str) -> Object:
        return self._object(resource, self._send("get", resource, namespace, name))

    def list(
        self, resource: Resource, namespace: str | None, *, labels: str = "", limit: int = 500, after: str = ""
    ) -> Page:
        query = {"labelSelector": labels, "limit": str(limit), "continue": after}
        found = self._send("list", resource, namespace, query=query)
        about = found.get("metadata") or {}
        items = [self._object(resource, item) for item in found.get("items") or ()]
        return Page(items=items, version=about.get("resourceVersion", ""), next=about.get("continue") or "")

    def watch(
        self, resource: Resource, namespace: str | None, *, version: str, labels: str = "", seconds: float = 270.0
    ) -> Iterator[Change]:
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "labelSelector": labels,
            "timeoutSeconds": str(max(1, round(seconds))),
        }
        doing = words("watch", resource, namespace, "")
        answer = self._open(
            "watch", resource, namespace, "", query=query, timeout=self._silence_seconds, accept="application/json"
        )
        with contextlib.closing(self._lines(answer, doing, self._silence_seconds)) as lines:
            for line in lines:
                try:
                    event = msgspec.json.decode(line)
                except ValueError as error:
                    raise ClusterUnavailable(f"Cannot {doing}: an event that is no JSON: {line[:200]!r}") from error
                if event["type"] == "ERROR":
                    status = event["object"]
                    raise explain(doing, int(status.get("code") or 500), status)
                yield Change(type=event["type"], object=self._object(resource, event["object"]))

    def logs(
        self, namespace: str, pod: str, *, container: str = "", follow: bool = False, tail: int | None = None
    ) -> Iterator[bytes]:
        lines = "" if tail is None else str(tail)
        query = {"container": container, "follow": "true" if follow else "", "tailLines": lines}
        seconds = LOG_SILENCE_SECONDS if follow else self._answer_seconds
        answer = self._open("get", PODS, namespace, pod, subresource="log", query=query, timeout=seconds, accept="*/*")
        return self._lines(answer, words("read the log of", PODS, namespace, pod), seconds)

    # -- writing

    def create(self, resource: Resource, namespace: str, manifest: Manifest, *, dry_run: bool = False) -> Object:
        # A misspelt field is an error, as with apply: it would be left out in silence else.
        query = {"dryRun": "All" if dry_run else "", "fieldManager": self._manager, "fieldValidation": "Strict"}
        name = str(manifest.get("metadata", {}).get("name", ""))
        found = self._send("create", resource, namespace, name, query=query, body=manifest)
        return self._object(resource, found)

    def apply(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        manifest: Manifest,
        *,
        subresource: str = "",
        force: bool = True,
        dry_run: bool = False,
    ) -> Object:
        query = {
            "fieldManager": self._manager,
            "force": "true" if force else "",
            "dryRun": "All" if dry_run else "",
        }
        found = self._send(
            "patch", resource, namespace, name, subresource=subresource, query=query, body=manifest, content=APPLY
        )
        return self._object(resource, found)

    def patch(self, resource: Resource, namespace: str, name: str, patch: Manifest, *, subresource: str = "") -> Object:
        query = {"fieldManager": self._manager}
        found = self._send(
            "patch", resource, namespace, name, subresource=subresource, query=query, body=patch, content=MERGE
        )
        return self._object(resource, found)

    def replace(self, resource: Resource, namespace: str, name: str, manifest: Manifest) -> Object:
        query = {"fieldManager": self._manager}
        return self._object(resource, self._send("update", resource, namespace, name, query=query, body=manifest))

    def delete(
        self, resource: Resource, namespace: str, name: str, *, uid: str = "", propagation: str = "Background"
    ) -> None:
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if uid:
            options["preconditions"] = {"uid": uid}
        self._send("delete", resource, namespace, name, body=options)

    def now(self) -> float:
        return time.time() + self._ahead

    def close(self) -> None:
        """End the connections that are idle."""
        self._api.close()

    # -- requests

    def _send(
        self,
        verb: str,
        resource: Resource,
        namespace: str | None,
        name: str = "",
        *,
        subresource: str = "",
        query: Mapping[str, str] | None = None,
        body: Manifest | None = None,
        content: str = "application/json",
    ) -> Object:
        answer = self._open(
            verb,
            resource,
            namespace,
            name,
            subresource=subresource,
            query=query or {},
            body=body,
            content=content,
            timeout=self._answer_seconds,
            accept="application/json",
        )
        doing = words(verb, resource, namespace, name)
        try:
            found = msgspec.json.decode(answer.read())
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ClusterUnavailable(f"Cannot {doing}: the answer broke off: {error}") from error
        except ValueError as error:
            raise ClusterUnavailable(f"Cannot {doing}: the answer is no JSON: {error}") from error
        finally:
            answer.release_conn()
        if not isinstance(found, dict):
            raise ClusterUnavailable(f"Cannot {doing}: the answer is no object.")
        return found

    def _open(
        self,
        verb: str,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        query: Mapping[str, str],
        timeout: float,
        accept: str,
        subresource: str = "",
        body: Manifest | None = None,
        content: str = "application/json",
    ) -> urllib3.BaseHTTPResponse:
        """The answer, good and not read yet. A request that was turned away is repeated a few times."""
        method = METHODS[verb]
        path = path_of(resource, namespace, "" if verb in {"create", "list", "watch"} else name, subresource)
        doing = words(verb, resource, namespace, name, subresource)
        for left in itertools.count(REPEATS, -1):
            throttled = self._limiter.wait()
            began, code = time.monotonic(), "error"
            try:
                answer = self._request(method, path, query, body, content, accept, timeout)
                code = str(answer.status)
                self._compare_clocks(answer.headers.get("Date"))
                if 200 <= answer.status <= 299:
                    return answer
                data = answer.read()
                answer.release_conn()
            except (urllib3.exceptions.HTTPError, ApiException, OSError) as error:
                # urllib3's words can hold an object's address in memory; its reason is what a reader needs.
                why = getattr(error, "reason", None) or error
                raise ClusterUnavailable(f"Cannot {doing}: no answer: {why}") from error
            finally:
                if self._observe:
                    self._observe(
                        Sent(
                            verb=verb,
                            resource=resource,
                            subresource=subresource,
                            namespace=namespace or "",
                            name=name,
                            code=code,
                            seconds=time.monotonic() - began,
                            throttled=throttled,
                        )
                    )
            pause = pause_of(answer.headers.get("Retry-After"))
            if answer.status == 429 and 0 < pause <= LONGEST_PAUSE and left > 0:
                self._sleep(pause)
                continue
            raise explain(doing, answer.status, status_of(data), pause)
        raise ClusterUnavailable(f"Cannot {doing}: turned away.")

    def _compare_clocks(self, date: str | None) -> None:
        with contextlib.suppress(TypeError, ValueError):
            # A whole second, begun at most one ago: what lies within that and the way here is no difference.
            ahead = parsedate_to_datetime(date or "").timestamp() + 0.5 - time.time()
            self._ahead = ahead if abs(ahead) > CLOCKS_DIFFER else 0.0

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Manifest | None,
        content: str,
        accept: str,
        timeout: float,
    ) -> urllib3.BaseHTTPResponse:
        # One at a time: the hook may run a plugin to renew the credentials, and once is enough.
        with self._credentials:
            prepared = self._api.param_serialize(
                method,
                path,
                query_params=[(name, value) for name, value in query.items() if value],
                header_params={"Accept": accept, "Content-Type": content},
                body=body,
                auth_settings=["BearerToken"],
            )
        answer = self._api.call_api(*prepared, _request_timeout=(CONNECT_SECONDS, timeout))
        response: urllib3.BaseHTTPResponse = answer.response
        return response

    def _lines(self, answer: urllib3.BaseHTTPResponse, doing: str, silence: float) -> Generator[bytes]:
        """Lines as they come. Closing the iterator ends the connection."""
        rest = bytearray()
        try:
            for piece in answer.stream(1 << 16, decode_content=True):
                rest += piece
                if b"\n" in piece:
                    *whole, last = bytes(rest).split(b"\n")
                    rest = bytearray(last)
                    yield from (line for line in whole if line)
            if rest:
                yield bytes(rest)
        except urllib3.exceptions.ReadTimeoutError as error:
            raise ClusterUnavailable(f"Cannot {doing}: silent for {silence:.0f} s") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ClusterUnavailable(f"Cannot {doing}: cut: {error}") from error
        finally:
            answer.close()
            answer.release_conn()

    def _object(self, resource: Resource, item: Object) -> Object:
        """Without managedFields, often half of an object; with its kind, which items of a list lack."""
        item.setdefault("apiVersion", resource.api_version)
        item.setdefault("kind", resource.kind)
        item.get("metadata", {}).pop("managedFields", None)
        return item
