"""A running cluster as a test sees it: kubeconfig, clients, namespaces, users with few rights, and waiting."""

import base64
import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml
from kubernetes import client, config, dynamic
from urllib3.exceptions import HTTPError

Result = TypeVar("Result")
Documents = Mapping[str, Any] | Iterable[Mapping[str, Any]] | str
WAITS = 60.0
"""Seconds; what is waited for takes under one on an idle machine."""
POLLS = 0.05
NOT_YET = (client.ApiException, HTTPError, OSError, LookupError, StopIteration, AttributeError, TypeError)
"""What a look at an object raises that is not there, or has no status yet."""
ANSWERS_WITHIN = 30.0
"""Seconds for one request of a test."""
TOKEN_SECONDS = 86400
FIELD_MANAGER = "dart-tests"


class Cluster:
    """Any cluster, by the kubeconfig of an administrator.

    Clients are of the `kubernetes` package and are made when first used.
    """

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        """`folder`: where kubeconfigs of other users are written."""
        self.kubeconfig = kubeconfig
        self.folder = folder
        self._api: client.ApiClient | None = None
        self._dynamic: dynamic.DynamicClient | None = None

    @property
    def api(self) -> client.ApiClient:
        if self._api is None:
            self._api = config.new_client_from_config(str(self.kubeconfig))
        return self._api

    @property
    def core(self) -> client.CoreV1Api:
        return client.CoreV1Api(self.api)

    @property
    def batch(self) -> client.BatchV1Api:
        return client.BatchV1Api(self.api)

    @property
    def custom(self) -> client.CustomObjectsApi:
        return client.CustomObjectsApi(self.api)

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | list[Any] | None = None,
        content: str = "application/json",
        **query: str | int | bool,
    ) -> dict[str, Any]:
        """One request on raw JSON, as `call("GET", "/api/v1/nodes", limit=10)`. Raises kubernetes' ApiException."""
        parameters = [(name, str(value).lower() if isinstance(value, bool) else value) for name, value in query.items()]
        request = self.api.param_serialize(
            method, path, query_params=parameters, body=body, auth_settings=["BearerToken"],
            header_params={"Accept": "application/json", "Content-Type": content},
        )  # fmt: skip
        response = self.api.call_api(*request, _request_timeout=ANSWERS_WITHIN)
        data = response.read()
        if not 200 <= response.status <= 299:
            raise client.ApiException.from_response(http_resp=response, body=data.decode(), data=None)
        return json.loads(data)  # type: ignore[no-any-return]

    def apply(
        self, documents: Mapping[str, Any] | Iterable[Mapping[str, Any]] | str, namespace: str = "default"
    ) -> None:
        """Server-side apply of objects (or YAML text); `namespace` for those that name none. CRDs are waited for."""
        if isinstance(documents, str):
            documents = [one for one in yaml.safe_load_all(documents) if one]
        for document in [documents] if isinstance(documents, Mapping) else documents:
            self._apply(dict(document), namespace)

    def namespace(self, name: str | None = None, labels: Mapping[str, str] | None = None) -> str:
        """A new namespace that pods can be created in at once; its name."""
        name = name or f"test-{uuid.uuid4().hex[:10]}"
        self.core.create_namespace({"metadata": {"name": name, "labels": dict(labels or {})}})
        self.eventually(
            lambda: any(
                one.metadata.name == "default" for one in self.core.list_namespaced_service_account(name).items
            ),
            f"the default service account of namespace {name}",
        )
        return name

    def kubeconfig_of(self, account: str, namespace: str, server: str | None = None) -> Path:
        """A kubeconfig with the rights of this service account only (made if it is not there), by a token of a day.

        `server`: another address, such as a `Proxy`'s.
        """
        try:
            self.core.create_namespaced_service_account(namespace, {"metadata": {"name": account}})
        except client.ApiException as error:
            if error.status != 409:
                raise
        asked = {"spec": {"expirationSeconds": TOKEN_SECONDS}}
        made = self.core.create_namespaced_service_account_token(account, namespace, asked)
        return self._write(f"{namespace}-{account}", {"token": made.status.token}, server)

    def kubeconfig_at(self, server: str) -> Path:
        """The administrator's kubeconfig with another address, such as a `Proxy`'s."""
        document = yaml.safe_load(self.kubeconfig.read_text())
        for one in document["clusters"]:
            one["cluster"]["server"] = server
        return self._save(f"admin-{server.rsplit(':', 1)[-1]}", document)

    def eventually(
        self, check: Callable[[], Result], what: str = "the cluster to get there", seconds: float = WAITS
    ) -> Result:
        """Poll until `check` gives something true without an error, and return that. Fails the test after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                last: object = (value := check())
                if value:
                    return value
            except NOT_YET as error:
                last = error
            if time.monotonic() > deadline:
                pytest.fail(f"waited {seconds:.0f} s for {what}; last: {last!r:.2000}")
            time.sleep(POLLS)

    def close(self) -> None:
        """End the connections."""
        if self._api is not None:
            self._api.close()
            self._api = self._dynamic = None

    def _apply(self, document: dict[str, Any], namespace: str) -> None:
        version, kind = document["apiVersion"], document["kind"]
        resource = self.eventually(lambda: self._resource(version, kind), f"the API {version} {kind} to be served")
        resource.server_side_apply(
            document,
            name=document["metadata"]["name"],
            namespace=document["metadata"].get("namespace", namespace) if resource.namespaced else None,
            field_manager=FIELD_MANAGER,
            force_conflicts=True,
        )
        if kind == "CustomResourceDefinition":
            path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{document['metadata']['name']}"
            self.eventually(
                lambda: any(
                    one["type"] == "Established" and one["status"] == "True"
                    for one in self.call("GET", path).get("status", {}).get("conditions", [])
                ),
                f"{document['metadata']['name']} to be established",
            )

    def _resource(self, version: str, kind: str) -> Any:
        if self._dynamic is None:
            self._dynamic = dynamic.DynamicClient(self.api)
        try:
            return self._dynamic.resources.get(api_version=version, kind=kind)
        except dynamic.exceptions.ResourceNotFoundError:
            self._dynamic.resources.invalidate_cache()  # a CRD may have come since
            return None

    def _write(self, name: str, user: Mapping[str, str], server: str | None) -> Path:
        document = yaml.safe_load(self.kubeconfig.read_text())
        by_name = {one["name"]: one["context"] for one in document["contexts"]}
        wanted = by_name[document["current-context"]]["cluster"]
        cluster = next(one["cluster"] for one in document["clusters"] if one["name"] == wanted)
        if server is not None:
            cluster["server"] = server
        return self._save(name if server is None else f"{name}-{server.rsplit(':', 1)[-1]}", kubeconfig(cluster, user))

    def _save(self, name: str, document: Mapping[str, Any]) -> Path:
        path = self.folder / f"{name}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(document))
        return path


def kubeconfig(cluster: Mapping[str, str], user: Mapping[str, str]) -> dict[str, Any]:
    """The document with one context."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tests", "cluster": dict(cluster)}],
        "users": [{"name": "user", "user": dict(user)}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "user"}}],
        "current-context": "tests",
    }


def embedded(file: Path) -> str:
    """A file as the `*-data` fields of a kubeconfig hold it."""
    return base64.b64encode(file.read_bytes()).decode()
