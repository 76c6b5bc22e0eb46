"""Pod settings, the model cache and what else only a cluster needs: accepted everywhere, refused where they do harm."""

import pytest

from dart_k8s.api import digest
from dart_k8s.errors import SpecError
from tests.api.declarations import declared

POD = {
    "image": "registry/dart-sampler@sha256:0",
    "imagePullPolicy": "Always",
    "imagePullSecrets": [{"name": "pull"}],
    "resources": {"limits": {"nvidia.com/gpu": 1}},
    "nodeSelector": {"gpu": "h100"},
    "tolerations": [{"key": "gpu", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "priorityClassName": "batch",
    "runtimeClassName": "nvidia",
    "serviceAccountName": "writer",
    "labels": {"team": "maths"},
    "annotations": {"note": "x"},
    "env": [{"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hf", "key": "token"}}}],
    "envFrom": [{"configMapRef": {"name": "more"}}],
    "volumes": [{"name": "scratch", "emptyDir": {}}],
    "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
    "pod": {"dnsPolicy": "None"},
}
CLUSTER = {
    "samplers": {**POD, "replicas": 4, "spot": True, "sharedMemory": "16Gi"},
    "verifiers": POD,
    "prepare": {**POD, "deadlineSeconds": 60},
    "curate": POD,
    "modelCache": {"kind": "claim", "claim": "models", "path": "deepseek"},
    "suspend": True,
    "ttlSecondsAfterFinished": 0,
    "deletionPolicy": "Delete",
    "queueName": "gpus",
}


def test_what_only_a_cluster_needs_is_accepted_everywhere():
    assert declared(**CLUSTER).plain()["spec"]["samplers"]["volumes"] == [{"name": "scratch", "emptyDir": {}}]


def test_what_only_a_cluster_needs_makes_no_other_run():
    assert digest(declared(**CLUSTER)) == digest(declared())


@pytest.mark.parametrize(
    ("pod", "says"),
    [
        ({"env": [{"name": "HF_TOKEN", "value": "hf_hunter2"}]}, "env[0].value: HF_TOKEN holds a secret in clear"),
        ({"env": [{"name": "AWS_SECRET_ACCESS_KEY", "value": "hunter2"}]}, "holds a secret in clear"),
        ({"env": [{"name": "A", "value": "1", "valueFrom": {"fieldRef": {}}}]}, "A has both value and valueFrom"),
        ({"env": [{"name": "DART_UID", "value": "1"}]}, "DART_UID is the platform's own"),
        ({"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}, "env[1].name: 'A' is given twice"),
        ({"env": [{"name": "1A"}]}, "env[0].name: does not match"),
        ({"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}, "forbids; use a claim, an image or an emptyDir"),
        ({"volumes": [{"emptyDir": {}}]}, "volumes[0]: needs a name, as in Kubernetes"),
        ({"volumeMounts": [{"name": "x"}]}, "volumeMounts[0]: needs a mountPath"),
        ({"priorityClassName": "No Such"}, "priorityClassName: does not match"),
        ({"nodeSelector": {"a": 1}}, "must be text"),
        ({"nodeselector": {}}, "unknown field; did you mean nodeSelector?"),
        ({"sharedMemory": "lots"}, "sharedMemory: does not match"),
        ({"replicas": 10_001}, "must be at most 10000"),
    ],
)
def test_settings_that_do_harm_are_refused_in_words(pod, says):
    with pytest.raises(SpecError) as caught:
        declared(samplers=pod)
    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["TOKENIZERS_PARALLELISM", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_REGION", "KEYS"])
def test_names_that_only_sound_like_secrets_are_fine(name):
    assert declared(samplers={"env": [{"name": name, "value": "x"}]})


@pytest.mark.parametrize(
    ("cache", "says"),
    [
        ({"kind": "claim"}, "claim: required by kind claim"),
        ({"kind": "image", "claim": "c", "image": "i"}, "claim: not used by kind image"),
        ({"claim": "c"}, "claim: not used by kind ephemeral"),
        ({"kind": "claim", "claim": "c", "path": "../x"}, "without .."),
        ({"kind": "claim", "claim": "c", "size": "1Gi"}, "size: not used by kind claim"),
    ],
)
def test_a_model_cache_has_what_its_kind_needs(cache, says):
    with pytest.raises(SpecError) as caught:
        declared(modelCache=cache)
    assert says in str(caught.value)
