"""Rendered pods keep the restricted Pod Security Standard, whatever the user says."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from dart_k8s.api import load_one, write
from dart_k8s.names import Stage
from dart_k8s.reconcile import ApplyDeclaration, ApplyVerifiers, CreateJob
from dart_k8s.render import objects
from tests.reconcile.builders import SETTINGS, facts

from .declared import ALL, EXAMPLES, everything, pods

UNPRIVILEGED = {"NET_BIND_SERVICE"}
VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"
}  # fmt: skip


def offences(spec: dict[str, Any]) -> Iterator[str]:
    """What of a pod the restricted Pod Security Standard forbids, by its own list (baseline's included)."""
    security = spec.get("securityContext", {})
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield field
    if "hostProcess" in str(spec) or security.get("sysctls"):
        yield "host processes or sysctls"
    for volume in spec.get("volumes", ()):
        if set(volume) - {"name"} - VOLUMES:
            yield f"volume {volume}"
    for container in itertools.chain(spec["containers"], spec.get("initContainers", ())):
        own = container.get("securityContext", {})
        if own.get("privileged") or own.get("procMount", "Default") != "Default":
            yield "privileged"
        if own.get("allowPrivilegeEscalation") is not False:
            yield "allowPrivilegeEscalation"
        if (own.get("runAsNonRoot", security.get("runAsNonRoot"))) is not True:
            yield "runAsNonRoot"
        if own.get("runAsUser", security.get("runAsUser")) == 0:
            yield "runAsUser 0"
        if (own.get("seccompProfile") or security.get("seccompProfile") or {}).get("type") not in {
            "RuntimeDefault", "Localhost"
        }:  # fmt: skip
            yield "seccompProfile"
        capabilities = own.get("capabilities", {})
        if capabilities.get("drop") != ["ALL"] or set(capabilities.get("add", ())) - UNPRIVILEGED:
            yield "capabilities"
        if any(port.get("hostPort") for port in container.get("ports", ())):
            yield "hostPort"


@pytest.mark.parametrize("example", list(EXAMPLES))
def test_every_pod_is_restricted_and_more(example: str):
    for stage, spec in pods(**EXAMPLES[example]).items():
        assert list(offences(spec)) == [], stage
        [container] = spec["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert spec["enableServiceLinks"] is False
        assert spec["automountServiceAccountToken"] is False
        assert container["command"][0] in ("python", "dart")
        assert spec["terminationGracePeriodSeconds"] >= 30
        for volume in spec["volumes"]:
            if "emptyDir" in volume and volume["name"] != "dart-models":
                assert "sizeLimit" in volume["emptyDir"]
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in spec["volumes"]}


@pytest.mark.parametrize("example", list(EXAMPLES))
def test_rendered_objects_golden(example: str, golden: Callable[[str, str], None]):
    text = "---\n".join(write(made) for made in everything(**EXAMPLES[example]))
    golden(f"{example}.yaml", text)


def test_the_declaration_can_be_read_and_names_its_own_verifiers():
    [made] = objects(ApplyDeclaration(), facts(), SETTINGS)
    declared = load_one(made["data"]["declaration.yaml"], "declaration.yaml")
    assert declared.spec.verifiers.url == "http://math-verifier.team.svc.cluster.local:8080"
    assert declared.metadata.namespace == "team"


def test_names_and_labels_of_ours_win_over_the_users():
    spec = {"samplers": {"labels": {"dart-k8s.io/stage": "verifier", "team": "maths"}}}
    [job] = objects(CreateJob(stage=Stage.SAMPLER, number=2, parallelism=3), facts(spec=spec), SETTINGS)
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert labels["dart-k8s.io/stage"] == "sampler" and labels["team"] == "maths"
    assert job["metadata"]["name"] == "math-sampler-2"


def test_samplers_are_a_work_queue_whose_failures_the_operator_counts():
    [job] = objects(CreateJob(stage=Stage.SAMPLER, number=1, parallelism=3), facts(), SETTINGS)
    spec = job["spec"]
    assert spec["parallelism"] == 3 and "completions" not in spec and spec["backoffLimit"] == 2**31 - 1
    assert [rule["action"] for rule in spec["podFailurePolicy"]["rules"]] == ["FailJob", "Ignore", "Ignore"]
    assert "suspend" not in spec and "ttlSecondsAfterFinished" not in spec


def test_a_queue_is_a_label_of_the_samplers_job_alone():
    def labels(stage: Stage) -> dict[str, str]:
        made = objects(CreateJob(stage=stage, number=1, parallelism=1), facts(spec={"queueName": "gpus"}), SETTINGS)
        return made[0]["metadata"]["labels"]

    assert labels(Stage.SAMPLER)["kueue.x-k8s.io/queue-name"] == "gpus"
    assert "kueue.x-k8s.io/queue-name" not in labels(Stage.PREPARE)


def test_a_cache_is_written_by_prepare_and_only_read_by_samplers_which_ask_no_hub():
    found = pods(modelCache={"kind": "claim", "claim": "models"})
    mounts = {
        stage: next(m for m in spec["containers"][0]["volumeMounts"] if m["name"] == "dart-models")
        for stage, spec in found.items()
        if stage in ("prepare", "sampler")
    }
    assert mounts["prepare"] == {"name": "dart-models", "mountPath": "/models"}
    assert mounts["sampler"] == {"name": "dart-models", "mountPath": "/models", "readOnly": True}
    offline = {"name": "HF_HUB_OFFLINE", "value": "1"}
    assert offline in found["sampler"]["containers"][0]["env"]
    assert offline not in found["prepare"]["containers"][0]["env"]
    assert offline not in pods()["sampler"]["containers"][0]["env"]


def test_verifiers_take_from_samplers_of_their_own_synthesis_and_give_to_nobody():
    policy, service, deployment = objects(ApplyVerifiers(replicas=3), facts(), SETTINGS)
    assert policy["spec"]["egress"] == [] and set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    [rule] = policy["spec"]["ingress"]
    [source] = rule["from"]
    assert source["podSelector"]["matchLabels"] == {"dart-k8s.io/synthesis": "math", "dart-k8s.io/stage": "sampler"}
    assert service["spec"]["clusterIP"] == "None"
    assert deployment["spec"]["template"]["spec"]["containers"][0].get("envFrom") is None


def test_pods_that_a_move_would_cost_a_model_load_are_kept_where_they_are_unless_on_spot():
    def notes(**samplers: Any) -> dict[str, str]:
        action = CreateJob(stage=Stage.SAMPLER, number=1, parallelism=1)
        [job] = objects(action, facts(spec={"samplers": samplers}), SETTINGS)
        return job["spec"]["template"]["metadata"]["annotations"]

    assert notes()["karpenter.sh/do-not-disrupt"] == "true"
    assert "karpenter.sh/do-not-disrupt" not in notes(spot=True)


def test_the_kubelet_waits_longer_for_a_model_than_the_sampler_does():
    probe = pods(samplers={"startupDeadlineSeconds": 3600})["sampler"]["containers"][0]["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] > 3600


@pytest.mark.parametrize("action", ALL, ids=str)
def test_every_object_belongs_to_its_synthesis(action: Any):
    for made in objects(action, facts(), SETTINGS):
        [owner] = made["metadata"]["ownerReferences"]
        assert owner["controller"] and owner["uid"] == "synthesis-uid"
        assert made["metadata"]["labels"]["dart-k8s.io/synthesis"] == "math"
        assert made["metadata"]["annotations"]["dart-k8s.io/digest"]


@pytest.mark.parametrize(("required", "allowed"), [(True, False), (False, True)])
def test_code_runs_in_a_pod_with_a_network_only_if_the_spec_allows_it(required: bool, allowed: bool):
    tools = {"prompt": {"template": "tool-integrated"}, "execution": {"requireNetworkIsolation": required}}
    command = pods(**tools)["verifier"]["containers"][0]["command"]
    assert "--execute" in command
    assert ("--allow-network" in command) is allowed
    assert ("--isolation-seconds" in command) is required


INSTALLED = replace(SETTINGS, store_secret="s3", ca_config_map="trust", ca_key="all.pem")
"""An installation with credentials and certificates of its own."""


def container_of(stage: Stage, **spec: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The pod's spec and its container."""
    [made] = objects(CreateJob(stage=stage, number=1, parallelism=1), facts(spec=spec), INSTALLED)
    pod = made["spec"]["template"]["spec"]
    return pod, pod["containers"][0]


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.VERIFIER])
def test_whoever_reaches_the_store_gets_the_installations_credentials_and_certificates(stage: Stage):
    pod, container = container_of(stage)
    assert container["envFrom"] == [{"secretRef": {"name": "s3"}}]
    [mount] = [one for one in container["volumeMounts"] if one["name"] == "dart-ca"]
    assert {"name": "dart-ca", "configMap": {"name": "trust"}} in pod["volumes"] and mount["readOnly"]
    env = {one["name"]: one.get("value") for one in container["env"]}
    assert env["SSL_CERT_FILE"] == env["AWS_CA_BUNDLE"] == f"{mount['mountPath']}/all.pem"


def test_verification_pods_get_neither():
    deployment = objects(ApplyVerifiers(replicas=1), facts(), INSTALLED)[-1]
    assert "s3" not in str(deployment["spec"]) and "trust" not in str(deployment["spec"])


@pytest.mark.parametrize(
    "own",
    [
        {"serviceAccountName": "bucket-writer"},
        {"env": [{"name": "AWS_ACCESS_KEY_ID", "valueFrom": {"secretKeyRef": {"name": "mine", "key": "id"}}}]},
    ],
    ids=["a service account", "keys"],
)
def test_who_brings_an_identity_waits_for_no_secret_of_the_installation(own: dict[str, Any]):
    assert "envFrom" not in container_of(Stage.SAMPLER, samplers=own)[1]
    assert container_of(Stage.CURATE, samplers=own)[1]["envFrom"] == [{"secretRef": {"name": "s3"}}]


def test_variables_of_the_users_own_sources_come_after_and_so_win():
    mine = {"secretRef": {"name": "mine"}}
    assert container_of(Stage.PREPARE, prepare={"envFrom": [mine]})[1]["envFrom"] == [
        {"secretRef": {"name": "s3"}},
        mine,
    ]


def test_cleaning_up_does_not_wait_for_what_was_deleted_along_with_the_synthesis():
    mine = [{"name": "script", "configMap": {"name": "problems"}}, {"name": "scratch", "emptyDir": {}}]
    for stage, optional in ((Stage.PREPARE, {}), (Stage.CLEANUP, {"optional": True})):
        volumes = container_of(stage, prepare={"volumes": mine})[0]["volumes"]
        assert {"name": "script", "configMap": {"name": "problems", **optional}} in volumes
        assert {"name": "scratch", "emptyDir": {}} in volumes
