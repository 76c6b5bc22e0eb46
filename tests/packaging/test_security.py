"""The chart as a security engineer reads it: what each pod may do, who may talk to whom, where secrets are."""

from typing import Any

import pytest
import yaml

from dart_k8s.names import HEALTH_PORT, VERIFIER_PORT, Stage
from tests.render.test_pods import offences

from .rendering import EXAMPLES, Object, example, pods, template, the

EACH = pytest.mark.parametrize("name", list(EXAMPLES))
NEEDS_THE_API = {
    "Deployment/dart-operator", "Deployment/platform-operator", "Pod/dart-rehearsal", "Pod/platform-rehearsal"
}  # fmt: skip
"""Pods that get a token, because they talk to the API server: that is what they are for."""
EMBEDDED = {"objectStore": {"embedded": {"enabled": True}}}


def matches(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return all(labels.get(name) == value for name, value in selector.items())


def labels_of(one: Object) -> dict[str, str]:
    """Of the pods that an object makes."""
    metadata = one["metadata"] if one["kind"] == "Pod" else one["spec"]["template"]["metadata"]
    found = metadata["labels"]
    assert isinstance(found, dict)
    return found


@EACH
def test_every_pod_is_restricted_and_more(name: str) -> None:
    for label, spec in pods(example(name)).items():
        assert list(offences(spec)) == [], label
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["enableServiceLinks"] is False
        assert spec["automountServiceAccountToken"] is (label in NEEDS_THE_API), label
        for container in spec["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert "memory" in container["resources"]["limits"]
            assert container["imagePullPolicy"] == "IfNotPresent"
        for volume in spec["volumes"]:
            assert "sizeLimit" in volume.get("emptyDir", {"sizeLimit": ""}), label


@EACH
def test_what_keeps_running_is_looked_after_by_probes(name: str) -> None:
    for label, spec in pods(example(name)).items():
        if not label.startswith("Pod/"):
            [container] = spec["containers"]
            assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container), label
            ports = {port["name"] for port in container["ports"]}
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                assert container[probe]["httpGet"]["port"] in ports
        else:
            assert spec["activeDeadlineSeconds"] > 0 and spec["restartPolicy"] == "Never"


@EACH
def test_no_account_hands_its_token_out_by_itself(name: str) -> None:
    for one in example(name):
        if one["kind"] == "ServiceAccount":
            assert one["automountServiceAccountToken"] is False


@EACH
def test_every_pod_has_a_policy_for_both_directions(name: str) -> None:
    objects = example(name)
    policies = [one for one in objects if one["kind"] == "NetworkPolicy"]
    for one in (one for one in objects if one["kind"] in ("Deployment", "Pod", "StatefulSet")):
        ours = [
            policy["spec"]
            for policy in policies
            if policy["metadata"]["namespace"] == one["metadata"]["namespace"]
            and matches(policy["spec"]["podSelector"]["matchLabels"], labels_of(one))
        ]
        assert len(ours) == 1, one["metadata"]["name"]
        assert ours[0]["policyTypes"] == ["Ingress", "Egress"]
        # A rule without ports would open all of them.
        assert all(rule["ports"] for rule in (*ours[0]["ingress"], *ours[0]["egress"]))


def test_the_operator_reaches_dns_the_api_server_and_the_store() -> None:
    def ports(name: str) -> set[int]:
        policy = the("NetworkPolicy", example(name), "dart-operator")["spec"]
        return {port["port"] for rule in policy["egress"] for port in rule["ports"]}

    assert ports("bare") == {53, 443, 6443}
    assert ports("s3") == {53, 443, 6443, 9000}
    assert ports("embedded") == {53, 443, 6443, 8333}
    assert ports("airgapped") == {53, 6443, 443, 3128}
    narrow = the("NetworkPolicy", example("airgapped"), "dart-operator")["spec"]["egress"][-1]
    assert narrow["to"] == [{"ipBlock": {"cidr": "10.0.0.0/8"}}]


@pytest.mark.parametrize(("name", "namespaces"), [("s3", ["runs"]), ("namespaced", ["algebra", "geometry"])])
def test_nothing_comes_into_pods_of_syntheses_but_who_reads_their_metrics(name: str, namespaces: list[str]) -> None:
    policies = [
        one for one in example(name) if one["kind"] == "NetworkPolicy" and one["metadata"]["name"] == "dart-pods"
    ]
    assert [one["metadata"]["namespace"] for one in policies] == namespaces
    for one in policies:
        assert one["spec"]["policyTypes"] == ["Ingress"]
        [rule] = one["spec"]["ingress"]
        assert rule["ports"] == [{"protocol": "TCP", "port": HEALTH_PORT}]
        [stages] = one["spec"]["podSelector"]["matchExpressions"]
        # Verification pods may reach nothing at all; a second policy would add to what they may.
        assert set(stages["values"]) == {stage.value for stage in Stage} - {"verifier"}


def test_nobody_reaches_verification_pods_but_their_samplers_unless_the_values_name_a_reader() -> None:
    assert "dart-verifier-metrics" not in {one["metadata"]["name"] for one in example("full")}
    reader = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    values = {"networkPolicy": {"pods": {"namespaces": ["team"], "verifierMetricsFrom": [reader]}}}
    policy = the("NetworkPolicy", template(values=values), "dart-verifier-metrics")
    assert policy["metadata"]["namespace"] == "team"
    assert policy["spec"]["podSelector"]["matchLabels"]["dart-k8s.io/stage"] == "verifier"
    [rule] = policy["spec"]["ingress"]
    assert rule == {"from": [reader], "ports": [{"protocol": "TCP", "port": VERIFIER_PORT}]}


def test_pods_of_syntheses_reach_the_store_verifiers_and_what_is_listed_where_that_is_wanted() -> None:
    listed = {"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}], "ports": [{"port": 8000}]}
    values = {"networkPolicy": {"pods": {"egress": [listed]}}, **EMBEDDED}
    spec = the("NetworkPolicy", template(values=values), "dart-pods")["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    dns, store, verifiers, trainers, other = spec["egress"]
    assert trainers["to"][0]["podSelector"]["matchLabels"]["dart-k8s.io/stage"] == "trainer"
    assert [port["port"] for rule in (dns, store, verifiers) for port in rule["ports"]] == [53, 53, 8333, VERIFIER_PORT]
    assert store["to"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "runs"}
    assert other == listed


def test_the_embedded_store_takes_from_the_operator_and_from_pods_of_syntheses_that_have_its_keys() -> None:
    policy = the("NetworkPolicy", example("embedded"), "dart-object-store")["spec"]
    assert policy["egress"] == []
    [rule] = policy["ingress"]
    operator, synthesis = rule["from"]
    assert matches(operator["podSelector"]["matchLabels"], labels_of(the("Deployment", example("embedded"))))
    [stages] = synthesis["podSelector"]["matchExpressions"]
    assert "verifier" not in stages["values"] and synthesis["namespaceSelector"] == {}


def test_services_lead_to_ports_that_are_there() -> None:
    objects = example("embedded")
    workloads = [one for one in objects if one["kind"] in ("Deployment", "StatefulSet")]
    for service in (one for one in objects if one["kind"] == "Service"):
        [target] = [one for one in workloads if matches(service["spec"]["selector"], labels_of(one))]
        [container] = target["spec"]["template"]["spec"]["containers"]
        named = {port["name"] for port in container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= named


@EACH
def test_secrets_are_in_no_object_but_a_secret_and_enter_by_reference(name: str) -> None:
    objects = example(name)
    secrets = [one for one in objects if one["kind"] == "Secret"]
    assert bool(secrets) is (name == "embedded")
    held = {value for one in secrets for value in one["data"].values()}
    for one in objects:
        if one["kind"] not in ("Secret", "CustomResourceDefinition"):
            assert not any(value in yaml.safe_dump(one) for value in held)
    for spec in pods(objects).values():
        for container in spec["containers"]:
            assert not [e for e in container.get("env", ()) if "SECRET" in e["name"] and "value" in e]


def test_a_secret_is_one_key_for_the_namespaces_that_get_it() -> None:
    secrets = [one for one in template("-f", EXAMPLES["embedded"]) if one["kind"] == "Secret"]
    assert {one["metadata"]["namespace"] for one in secrets} == {"runs", "team"}
    assert secrets[0]["data"] == secrets[1]["data"]
    again = [one for one in template("-f", EXAMPLES["embedded"]) if one["kind"] == "Secret"]
    assert again[0]["data"] != secrets[0]["data"], "every installation has keys of its own"


def test_a_secret_of_the_users_own_replaces_the_made_one() -> None:
    objects = template(values={"objectStore": {"secretName": "mine", "embedded": {"enabled": True}}})
    assert not [one for one in objects if one["kind"] == "Secret"]
    for spec in (the("Deployment", objects), the("StatefulSet", objects)):
        [container] = spec["spec"]["template"]["spec"]["containers"]
        assert container["envFrom"] == [{"secretRef": {"name": "mine"}}]


@EACH
def test_nobody_may_read_secrets_act_for_others_or_do_anything_to_everything(name: str) -> None:
    for one in example(name):
        for rule in one.get("rules", ()) if one["kind"] in ("Role", "ClusterRole") else ():
            words = {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
            assert not words & {"*", "secrets", "escalate", "bind", "impersonate", "pods/exec", "serviceaccounts/token"}


def test_users_get_no_right_to_write_a_status() -> None:
    roles = {one["metadata"]["name"]: one for one in example("bare") if one["kind"] == "ClusterRole"}
    writable = [resource for rule in roles["dart-edit"]["rules"] for resource in rule["resources"]]
    assert not [resource for resource in writable if resource.endswith("/status")]
    assert {verb for rule in roles["dart-view"]["rules"] for verb in rule["verbs"]} == {"get", "list", "watch"}


def test_the_test_pod_may_touch_nothing_but_what_it_makes() -> None:
    [role] = [one for one in example("s3") if one["kind"] == "Role" and one["metadata"]["name"] == "dart-rehearsal"]
    for rule in role["rules"]:
        # A creation can't be bound to a name.
        assert rule["verbs"] == ["create"] or rule["resourceNames"] == ["dart-rehearsal"]
    for one in example("s3"):
        if one["metadata"]["name"] == "dart-rehearsal":
            assert one["metadata"]["annotations"]["helm.sh/hook"] == "test"


def test_the_test_pod_is_where_helm_looks_for_its_log_and_its_rights_are_where_the_synthesis_goes() -> None:
    found = {one["kind"]: one for one in example("irsa") if one["metadata"]["name"] == "dart-rehearsal"}
    namespaces = {kind: one["metadata"]["namespace"] for kind, one in found.items()}
    assert namespaces == {
        "Pod": "runs", "ServiceAccount": "runs", "NetworkPolicy": "runs", "Role": "algebra", "RoleBinding": "algebra"
    }  # fmt: skip
    [subject] = found["RoleBinding"]["subjects"]
    assert subject == {"kind": "ServiceAccount", "name": "dart-rehearsal", "namespace": "runs"}
    assert "--namespace=algebra" in found["Pod"]["spec"]["containers"][0]["command"]


def test_a_proxy_is_not_asked_for_the_api_server() -> None:
    [container] = the("Deployment", example("airgapped"))["spec"]["template"]["spec"]["containers"]
    env = {e["name"]: e["value"] for e in container["env"]}
    assert env["HTTPS_PROXY"] == env["https_proxy"] == "http://proxy.example:3128"
    assert set(env["NO_PROXY"].split(",")) >= {"$(KUBERNETES_SERVICE_HOST)", ".svc", ".cluster.local", "s3.example"}


def test_certificates_of_ones_own_are_mounted_where_the_variables_say() -> None:
    [container] = the("Deployment", example("airgapped"))["spec"]["template"]["spec"]["containers"]
    env = {e["name"]: e["value"] for e in container["env"]}
    [mount] = [m for m in container["volumeMounts"] if m["name"] == "ca"]
    assert env["SSL_CERT_FILE"] == env["AWS_CA_BUNDLE"] == f"{mount['mountPath']}/ca-certificates.crt"


def test_one_replica_stays_when_a_node_is_drained() -> None:
    budget = the("PodDisruptionBudget", example("bare"))["spec"]
    deployment = the("Deployment", example("bare"))
    assert budget["maxUnavailable"] == 1 and deployment["spec"]["replicas"] == 2
    assert matches(budget["selector"]["matchLabels"], labels_of(deployment))
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    [spread] = spec["topologySpreadConstraints"]
    assert spread["whenUnsatisfiable"] == "ScheduleAnyway"
    assert set(spec["affinity"]["podAntiAffinity"]) == {"preferredDuringSchedulingIgnoredDuringExecution"}
    # Roles and the Lease are given back within stopSeconds and a few more.
    assert spec["terminationGracePeriodSeconds"] > 20 + 5


def test_memory_has_room_for_the_folding_children() -> None:
    [container] = the("Deployment", example("bare"))["spec"]["template"]["spec"]["containers"]
    # A child over its own limit fails alone; over the container's, the kernel ends the operator with it.
    assert container["resources"]["limits"]["memory"] == f"{2 * 2048 + 512}Mi"
