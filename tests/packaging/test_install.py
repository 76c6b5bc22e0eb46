"""Real Helm and a real API server: what the chart makes is taken, may do what it needs, changes, and goes."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from kubernetes import client

from tests.cluster import pods
from tests.operator.real import install_crds, lease_rules, rules, synthesis
from tests.tools import HELM

from .rendering import CHART, EXAMPLES

if TYPE_CHECKING:
    from tests.cluster.access import Cluster
    from tests.cluster.plane import ControlPlane

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
TEST_RUN = {"NetworkPolicy", "Pod", "Role", "RoleBinding", "ServiceAccount"}
OURS = ("evaluations", "syntheses", "trainings")


class Release:
    """A release in a namespace that enforces "restricted"."""

    def __init__(self, cluster: Cluster, namespace: str, name: str) -> None:
        self.cluster, self.namespace, self.name = cluster, namespace, name

    def helm(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [HELM.need(), *arguments, "-n", self.namespace, "--kubeconfig", self.cluster.kubeconfig]
        return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)

    def done(self, *arguments: str | Path) -> str:
        found = self.helm(*arguments)
        assert found.returncode == 0, found.stdout + found.stderr
        return found.stdout

    def get(self, path: str, name: str = "") -> dict[str, Any]:
        """In its namespace: `/apis/apps/v1`, `deployments/dart-operator`."""
        return self.cluster.call("GET", f"{path}/namespaces/{self.namespace}/{name}")

    def allowed(self, namespace: str, verb: str, group: str, resource: str, name: str = "") -> bool:
        """Whether the operator's account may."""
        wanted = {"namespace": namespace, "verb": verb, "group": group, "name": name}
        wanted["resource"], _, wanted["subresource"] = resource.partition("/")
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": f"system:serviceaccount:{self.namespace}:{self.name}-operator",
                "resourceAttributes": wanted,
            },
        }
        answer = self.cluster.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
        return bool(answer["status"]["allowed"])

    def permitted(self, namespace: str) -> list[str]:
        """What of the operator's rules its account may in a namespace."""
        return [
            f"{verb} {group}/{resource}"
            for rule in rules()
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            for verb in rule["verbs"]
            if self.allowed(namespace, verb, group, resource)
        ]


def needed() -> list[str]:
    """All of them."""
    return [
        f"{verb} {group}/{resource}"
        for rule in rules()
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


def definitions(cluster: Cluster) -> dict[str, dict[str, Any]]:
    found = cluster.call("GET", DEFINITIONS)["items"]
    return {one["metadata"]["name"]: one for one in found if one["spec"]["group"] == "dart-k8s.io"}


def remove_definitions(cluster: Cluster) -> None:
    """So that the cluster is empty. What operators of other tests left with a finalizer would keep them for ever."""
    for name in definitions(cluster):
        plural, _, group = name.partition(".")
        for item in cluster.call("GET", f"/apis/{group}/v1alpha1/{plural}")["items"]:
            if item["metadata"].get("finalizers"):
                path = f"/apis/{group}/v1alpha1/namespaces/{item['metadata']['namespace']}/{plural}"
                with suppress(client.ApiException):
                    cluster.call(
                        "PATCH", f"{path}/{item['metadata']['name']}", {"metadata": {"finalizers": None}},
                        content="application/merge-patch+json",
                    )  # fmt: skip
        with suppress(client.ApiException):
            cluster.call("DELETE", f"{DEFINITIONS}/{name}")
    cluster.eventually(lambda: not definitions(cluster), "the definitions to be gone")


@pytest.fixture
def release(plane: ControlPlane) -> Iterator[Release]:
    """On the harness's own cluster alone: the definitions, and all that is declared, go."""
    HELM.need()
    plane.heal()
    remove_definitions(plane)
    made = Release(plane, plane.namespace(labels=RESTRICTED), "dart")
    yield made
    made.helm("uninstall", made.name)
    plane.core.delete_namespace(made.namespace)
    remove_definitions(plane)
    install_crds(plane)


def test_from_an_empty_cluster_to_a_release_that_changes_and_goes(release: Release, cluster: Cluster) -> None:
    here = release.namespace
    team, other = cluster.namespace(labels=RESTRICTED), cluster.namespace()
    try:
        told = release.done(
            "install", "dart", CHART, "-f", EXAMPLES["embedded"], "--set", f"objectStore.embedded.namespaces={{{team}}}"
        )
        assert f"kubectl -n {here} rollout status deployment/dart-operator" in told
        assert set(definitions(cluster)) == {f"{plural}.dart-k8s.io" for plural in OURS}

        # Pods are let in by "restricted": a ReplicaSet whose pods are refused has none.
        deployment = "deployments/dart-operator"
        cluster.eventually(
            lambda: release.get("/apis/apps/v1", deployment)["status"]["readyReplicas"] == 2, "two operators"
        )
        cluster.eventually(lambda: release.get("/api/v1", "pods/dart-object-store-0"), "the store's pod")

        # What the operator may do is what it needs, in every namespace, and nothing else.
        assert release.permitted(other) == needed()
        [_, lease] = lease_rules()
        assert release.allowed(here, "update", "coordination.k8s.io", "leases", lease["resourceNames"][0])
        assert not release.allowed(here, "update", "coordination.k8s.io", "leases", "another")
        for verb, group, resource in (
            ("get", "", "secrets"), ("list", "", "secrets"), ("delete", "", "pods"), ("create", "", "pods/exec"),
            ("create", "dart-k8s.io", "trainings"), ("delete", "", "configmaps"), ("get", "", "nodes"),
        ):  # fmt: skip
            assert not release.allowed(other, verb, group, resource), f"{verb} {resource}"

        # Whoever may edit a namespace may declare in it.
        edit = cluster.eventually(
            lambda: [
                r for r in cluster.call("GET", f"{RBAC}/clusterroles/edit")["rules"] if "syntheses" in r["resources"]
            ],
            "the rights of editors",
        )
        assert "create" in {verb for rule in edit for verb in rule["verbs"]}

        secret = release.get("/api/v1", "secrets/dart-object-store")["data"]
        copy = cluster.call("GET", f"/api/v1/namespaces/{team}/secrets/dart-object-store")["data"]
        assert copy == secret and len(base64.b64decode(secret["AWS_SECRET_ACCESS_KEY"])) == 40
        assert len(_packed(release)) < 700 * 1024

        # A test run makes its pod with rights of its own, and takes all of it away.
        ends = {pods.EXIT_CODE: "0", pods.RUNS_FOR: "100ms"}
        with pods.directed(cluster, here, ends, {"app.kubernetes.io/component": "rehearsal"}):
            assert "Succeeded" in release.done("test", "dart", "--timeout", "60s")
        assert not [one for one in _left(release) if "rehearsal" in one]

        # Other values: two namespaces instead of all, and another level of the log.
        before = release.get("/apis/apps/v1", deployment)["metadata"]["generation"]
        release.done(
            "upgrade", "dart", CHART, "-f", EXAMPLES["embedded"], "--set", f"namespaces={{{here},{team}}}",
            "--set", "operator.logLevel=debug", "--set", "objectStore.embedded.namespaces=null",
        )  # fmt: skip
        assert release.get("/apis/apps/v1", deployment)["metadata"]["generation"] > before
        assert release.get("/api/v1", "secrets/dart-object-store")["data"] == secret, "credentials are made once"
        cluster.eventually(lambda: release.permitted(other) == [], "no rights outside")
        assert release.permitted(team) == needed()
        found = yaml.safe_load(release.get("/api/v1", "configmaps/dart-operator")["data"]["settings.yaml"])
        assert (found["namespaces"], found["logLevel"]) == ([here, team], "debug")

        # And back.
        release.done("rollback", "dart", "1")
        assert release.permitted(other) == needed()

        # Gone: but for the definitions, and what was declared.
        cluster.eventually(lambda: cluster.apply(synthesis("kept"), team) is None, "a Synthesis")
        release.done("uninstall", "dart", "--wait")
        assert set(definitions(cluster)) == {f"{plural}.dart-k8s.io" for plural in OURS}
        path = f"/apis/dart-k8s.io/v1alpha1/namespaces/{team}/syntheses"
        assert [item["metadata"]["name"] for item in cluster.call("GET", path)["items"]] == ["kept"]
        assert _left(release) == []
        assert cluster.call("GET", f"/api/v1/namespaces/{team}/secrets")["items"] == []

        # The same name takes the definitions over; another one must say so.
        release.done("install", "dart", CHART, "-f", EXAMPLES["s3"])
        release.done("uninstall", "dart", "--wait")
        refused = release.helm("install", "second", CHART, "-f", EXAMPLES["s3"])
        assert refused.returncode != 0 and "ownership" in refused.stderr
        release.helm("uninstall", "second")
        release.done("install", "second", CHART, "-f", EXAMPLES["s3"], "--take-ownership")
        release.done("uninstall", "second", "--wait")

        # Others of somebody else's take more words: Helm applies on the server, where fields have owners.
        older = definitions(cluster)["trainings.dart-k8s.io"]["spec"]
        older["versions"][0]["schema"]["openAPIV3Schema"]["description"] = "An older one."
        about = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
        cluster.apply({**about, "metadata": {"name": "trainings.dart-k8s.io"}, "spec": older})
        refused = release.helm("install", "third", CHART, "-f", EXAMPLES["s3"], "--take-ownership")
        assert refused.returncode != 0 and "conflict" in refused.stderr
        release.helm("uninstall", "third")
        release.done("install", "third", CHART, "-f", EXAMPLES["s3"], "--take-ownership", "--force-conflicts")
        release.done("uninstall", "third", "--wait")
        assert [item["metadata"]["name"] for item in cluster.call("GET", path)["items"]] == ["kept"]
    finally:
        cluster.core.delete_namespace(team)
        cluster.core.delete_namespace(other)


def test_the_api_server_takes_what_other_values_make_one_after_the_other(release: Release, cluster: Cluster) -> None:
    # Kinds of the Prometheus operator can't be had here; their shape is looked at where they are rendered.
    off = ["--set", ",".join(f"monitoring.{kind}.enabled=false" for kind in ("serviceMonitor", "podMonitor", "rules"))]
    algebra = cluster.namespace("algebra", labels=RESTRICTED)
    try:
        for name in ("full", "airgapped", "irsa", "bare"):
            release.done("upgrade", "--install", "dart", CHART, "-f", EXAMPLES[name], *off)
            # What a test run would make; Helm makes it only then.
            hooks = [one for one in yaml.safe_load_all(release.done("get", "hooks", "dart")) if one]
            assert {one["kind"] for one in hooks} == (TEST_RUN if name != "bare" else set())
            cluster.apply([one for one in hooks if one["kind"] != "Pod"])
            for pod in (one for one in hooks if one["kind"] == "Pod"):
                path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods"
                cluster.call("POST", path, pod, dryRun="All", fieldValidation="Strict")
    finally:
        cluster.core.delete_namespace(algebra)


def _packed(release: Release) -> str:
    """What Helm keeps of it."""
    [secret] = [
        item
        for item in release.get("/api/v1", "secrets")["items"]
        if item["type"] == "helm.sh/release.v1" and item["metadata"]["labels"]["status"] == "deployed"
    ]
    return json.dumps(secret)


def _left(release: Release) -> list[str]:
    """What is in its namespace after it, but for what Kubernetes itself puts there and the volume's claim."""
    kinds = {
        "/api/v1": ("configmaps", "pods", "secrets", "services", "serviceaccounts"),
        "/apis/apps/v1": ("deployments", "statefulsets"),
        "/apis/networking.k8s.io/v1": ("networkpolicies",),
        "/apis/policy/v1": ("poddisruptionbudgets",),
        RBAC: ("roles", "rolebindings"),
    }
    own = {"configmaps/kube-root-ca.crt", "serviceaccounts/default"}
    found = {
        f"{kind}/{item['metadata']['name']}"
        for path, names in kinds.items()
        for kind in names
        for item in release.get(path, kind)["items"]
    }
    wide = {
        f"{kind}/{item['metadata']['name']}"
        for kind in ("clusterroles", "clusterrolebindings")
        for item in release.cluster.call("GET", f"{RBAC}/{kind}")["items"]
        if item["metadata"]["name"].startswith("dart-")
    }
    return sorted((found | wide) - own)
