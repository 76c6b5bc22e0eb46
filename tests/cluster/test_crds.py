"""The CustomResourceDefinitions on a real API server: what it takes, what it refuses in which words, what it shows."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from kubernetes import client
from pydantic import ValidationError

from dart_k8s.api import Synthesis
from dart_k8s.api.crds import KINDS, definitions
from dart_k8s.api.load import MODELS
from dart_k8s.names import LONGEST_NAME
from tests.api.drawn import BASES, specs
from tests.api.test_pods import CLUSTER
from tests.api.test_status import largest
from tests.cluster.access import Cluster

ROOT = Path(__file__).parents[2]
CLUSTER_EXAMPLES = [path.name for path in sorted((ROOT / "manifests" / "examples").glob("[0-9]*.yaml"))]
PLURALS = {kind.kind: kind.plural for kind in KINDS}
MERGE = "application/merge-patch+json"


class Served:
    """A namespace of a cluster that knows our kinds."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace

    def path(self, kind: str, name: str = "") -> str:
        return f"/apis/dart-k8s.io/v1alpha1/namespaces/{self.namespace}/{PLURALS[kind]}" + f"/{name}" * bool(name)

    def create(self, kind: str, spec: Any, name: str = "one", *, keep: bool = False) -> dict[str, Any]:
        document = {"apiVersion": "dart-k8s.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        query = {} if keep else {"dryRun": "All"}
        return self.cluster.call("POST", self.path(kind), document, fieldValidation="Strict", **query)

    def patch(self, kind: str, name: str, spec: Any) -> dict[str, Any]:
        return self.cluster.call("PATCH", self.path(kind, name), {"spec": spec}, MERGE, dryRun="All")

    def refused(self, kind: str, spec: Any, name: str = "one") -> str:
        with pytest.raises(client.ApiException) as caught:
            self.create(kind, spec, name)
        return words(caught.value)


def words(error: client.ApiException) -> str:
    assert error.status in (400, 422), error
    return str(json.loads(error.body)["message"])


def changed(kind: str, **fields: Any) -> dict[str, Any]:
    """The least spec with some fields replaced; None removes one."""
    return {name: value for name, value in {**deepcopy(BASES[kind]), **fields}.items() if value is not None}


@pytest.fixture(scope="module")
def served(cluster: Cluster) -> Iterator[Served]:
    cluster.apply(definitions().values())
    name = cluster.namespace()
    here = Served(cluster, name)
    for kind, spec in BASES.items():
        cluster.eventually(lambda kind=kind, spec=spec: here.create(kind, spec), f"the API of {kind}")
    yield here
    cluster.core.delete_namespace(name)


@pytest.mark.parametrize("kind", PLURALS)
def test_a_definition_is_established_with_its_names(served, kind):
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    found = served.cluster.call("GET", f"{path}/{PLURALS[kind]}.dart-k8s.io")
    conditions = {one["type"]: (one["status"], one.get("message")) for one in found["status"]["conditions"]}
    assert conditions["Established"][0] == "True"
    assert "NonStructuralSchema" not in conditions
    resources = {one["name"]: one for one in served.cluster.call("GET", "/apis/dart-k8s.io/v1alpha1")["resources"]}
    assert resources[PLURALS[kind]]["categories"] == ["dart"]
    assert f"{PLURALS[kind]}/status" in resources


GOOD = [
    ("Synthesis", changed("Synthesis", **CLUSTER)),
    ("Synthesis", {"recipe": "dart-math", "output": {"uri": "s3://bucket/run"}}),
    (
        "Synthesis",
        {"recipe": "dart-math", "strategy": {"target": 100}, "prompt": {"stop": ["x"]}, "output": {"uri": "s3://b/r"}},
    ),
    ("Synthesis", {"recipe": "dart-math", "strategy": {"kind": "uniform"}, "output": {"uri": "s3://bucket/run"}}),
    ("Synthesis", changed("Synthesis", queries=[{"name": "own", "configMap": {"name": "problems"}}])),
    ("Synthesis", changed("Synthesis", strategy={"kind": "vanilla", "trials": 52})),
    ("Synthesis", changed("Synthesis", budget={"totalTrials": 100_000})),
    ("Synthesis", changed("Synthesis", output={"uri": "/shared/runs/one"})),
    (
        "Synthesis",
        changed("Synthesis", model=None, engine={"kind": "openai", "baseUrl": "http://vllm:8000/v1", "model": "m"}),
    ),
    ("Training", {**BASES["Training"], "recipe": "dart-math", "nodes": 8, "processesPerNode": 8}),
    ("Training", {"recipe": "tiny", "data": {"fromSynthesis": "one"}, "output": {"uri": "s3://bucket/student"}}),
    ("Evaluation", changed("Evaluation", model={"fromTraining": "one"})),
    ("Evaluation", changed("Evaluation", trials={"count": 100, "temperature": 1, "passAt": [1, 100]})),
    ("Evaluation", changed("Evaluation", benchmarks=[{"name": "own", "uri": "s3://b/c", "fields": {"query": "q"}}])),
]


@pytest.mark.parametrize(("kind", "spec"), GOOD)
def test_what_a_user_writes_is_taken_and_read_back_as_a_declaration(served, kind, spec):
    MODELS[kind].model_validate(served.create(kind, spec))


@pytest.mark.parametrize("name", CLUSTER_EXAMPLES)
def test_an_example_for_a_cluster_is_taken(served, name):
    document = yaml.safe_load((ROOT / "manifests" / "examples" / name).read_text(encoding="utf-8"))
    served.create(document["kind"], document["spec"], document["metadata"]["name"])


BAD = [
    ("Synthesis", {"queries": None}, "queries is required: problems with reference answers"),
    ("Synthesis", {"prompt": None}, "prompt is required: add prompt: {template: NAME}"),
    ("Synthesis", {"strategy": None}, "strategy.kind is required: vanilla, uniform or prop2diff"),
    ("Synthesis", {"output": None}, "spec.output: Required value"),
    ("Synthesis", {"model": None}, "model is required by engine kind vllm"),
    ("Synthesis", {"queries": []}, "spec.queries in body should have at least 1 items"),
    ("Synthesis", {"queries": [{"name": "a"}]}, "give exactly one of uri and configMap"),
    (
        "Synthesis",
        {"queries": [{"name": "a", "uri": "s3://b/c", "configMap": {"name": "d"}}]},
        "give exactly one of uri and configMap",
    ),
    ("Synthesis", {"queries": [{"name": "a", "uri": "s3://b/c"}] * 2}, "two sources have the same name; rename one"),
    ("Synthesis", {"queries": [{"name": "a", "uri": "s3://b/c", "split": "x"}]}, "belong to hub data sets"),
    ("Synthesis", {"queries": [{"name": "a", "uri": "rows.jsonl"}]}, "pods do not start in your folder"),
    ("Synthesis", {"queries": [{"name": "a", "uri": "s3://me:x@b/c"}]}, "holds credentials; leave them out"),
    ("Synthesis", {"queries": [{"name": "a", "uri": "s3://bucket/runs/one"}]}, "would write into its own input"),
    ("Synthesis", {"model": {"uri": "hf://owner"}}, "uri must be s3://, hf:// or an absolute path"),
    ("Synthesis", {"pool": {"from": ["runs/other"]}}, "from must be s3:// or an absolute path"),
    ("Synthesis", {"output": {"uri": "runs/one"}}, "uri must be s3:// or an absolute path"),
    ("Synthesis", {"output": {"uri": "s3://bucket"}, "deletionPolicy": "Delete"}, "nothing deletes a whole bucket"),
    ("Synthesis", {"strategy": {"kind": "best"}}, 'supported values: "vanilla", "uniform", "prop2diff"'),
    ("Synthesis", {"strategy": {"kind": "vanilla", "target": 4}}, "vanilla spends trials, it has no target"),
    ("Synthesis", {"strategy": {"kind": "uniform", "trials": 4}}, "trials belongs to vanilla"),
    (
        "Synthesis",
        {"strategy": {"kind": "uniform", "difficulty": {"uri": "s3://a/b"}}},
        "only prop2diff looks at difficulty",
    ),
    (
        "Synthesis",
        {"strategy": {"kind": "uniform", "target": 9}, "budget": {"maxTrialsPerQuery": 8}},
        "strategy.target (by default 40 for uniform, 192 for prop2diff) is above budget.maxTrialsPerQuery",
    ),
    (
        "Synthesis",
        {"strategy": {"kind": "prop2diff", "minTrials": 9, "target": 4}, "budget": {"maxTrialsPerQuery": 8}},
        "strategy.minTrials (by default 32) is above budget.maxTrialsPerQuery",
    ),
    (
        "Synthesis",
        {"queries": [{"name": "a", "uri": "s3://b/c", "target": 9000}]},
        "a target in queries is above budget.maxTrialsPerQuery",
    ),
    (
        "Synthesis",
        {"strategy": {"kind": "vanilla"}, "queries": [{"name": "a", "uri": "s3://b/c", "target": 9}]},
        "vanilla has no targets; remove target from queries",
    ),
    (
        "Synthesis",
        {"strategy": {"kind": "vanilla"}, "budget": {"totalTrials": 9}},
        "vanilla spends strategy.trials on each query whatever the total",
    ),
    ("Synthesis", {"strategy": {"kind": "uniform", "target": 0}}, "should be greater than or equal to 1"),
    ("Synthesis", {"sampling": {"topP": 0}}, "spec.sampling.topP in body should be greater than 0"),
    ("Synthesis", {"sampling": {"temprature": 1}}, 'unknown field "spec.sampling.temprature"'),
    ("Synthesis", {"prompt": {}}, "give exactly one of template and inline"),
    ("Synthesis", {"prompt": {"inline": "no hole"}}, "the placeholder {query} is missing from inline"),
    ("Synthesis", {"prompt": {"template": "alpaca", "system": "x"}}, "this template has no system message"),
    ("Synthesis", {"engine": {"kind": "openai"}}, "engine kind openai needs baseUrl and model"),
    ("Synthesis", {"engine": {"kind": "scripted"}}, "engine kind scripted needs script"),
    ("Synthesis", {"engine": {"baseUrl": "http://a/v1"}}, "baseUrl belongs to engine kind openai"),
    ("Synthesis", {"engine": {"kind": "vllm", "model": "m"}}, "name the model in spec.model.uri"),
    (
        "Synthesis",
        {"engine": {"kind": "openai", "model": "m", "baseUrl": "http://me:x@a/v1"}},
        "without credentials, like http://vllm:8000/v1",
    ),
    ("Synthesis", {"engine": {"api": "completion"}}, "engine.api completion takes one text"),
    ("Synthesis", {"engine": {"api": "chat"}, "prompt": {"template": "alpaca"}}, "would wrap it in a chat template"),
    ("Synthesis", {"claims": {"heartbeatSeconds": 60}}, "ttlSeconds must be more than twice heartbeatSeconds"),
    ("Synthesis", {"curation": {"decontaminate": {"mode": "exclude"}}}, "mode exclude needs benchmark files"),
    ("Synthesis", {"curation": {"filters": {"minTokens": 9, "maxTokens": 8}}}, "minTokens is above maxTokens"),
    ("Synthesis", {"modelCache": {"kind": "claim"}}, "kind: claim needs it"),
    ("Synthesis", {"modelCache": {"kind": "ephemeral", "image": "i"}}, "kind: image needs it"),
    ("Synthesis", {"modelCache": {"kind": "claim", "claim": "c", "path": "a/../.."}}, "without .."),
    (
        "Synthesis",
        {"samplers": {"replicas": -1}},
        "spec.samplers.replicas in body should be greater than or equal to 0",
    ),
    (
        "Synthesis",
        {"samplers": {"env": [{"name": "HF_TOKEN", "value": "x"}]}},
        "a secret in clear; put it into a Secret",
    ),
    ("Synthesis", {"curate": {"env": [{"name": "DART_UID", "value": "x"}]}}, "are the platform's own"),
    ("Synthesis", {"verifiers": {"env": [{"name": "A", "value": "1", "valueFrom": {}}]}}, "remove one of them"),
    ("Synthesis", {"prepare": {"env": [{"name": "A"}, {"name": "A"}]}}, "Duplicate value"),
    ("Synthesis", {"samplers": {"volumes": [{"name": "h", "hostPath": {"path": "/"}}]}}, "hostPath is a folder of the"),
    ("Synthesis", {"samplers": {"volumes": [{"emptyDir": {}}]}}, "spec.samplers.volumes[0].name: Required value"),
    ("Training", {"model": None}, "model is required: add model: {uri: hf://OWNER/MODEL}, the base model"),
    ("Training", {"data": {}}, "give exactly one of uri and fromSynthesis"),
    ("Training", {"data": {"fromSynthesis": "a", "revision": "b"}}, "split and revision belong to hub data sets"),
    ("Training", {"nodes": 3}, "optimisation.batch can't be divided by nodes x processesPerNode"),
    ("Training", {"recipe": "tiny", "nodes": 16}, "optimisation.batch can't be divided by nodes x processesPerNode"),
    ("Training", {"deepspeed": {"stage": 2, "offload": "all"}}, "deepspeed.offload all needs stage 3"),
    ("Training", {"deepspeed": {"offload": "optimizer"}}, "needs stage 1 or more"),
    ("Training", {"prompt": {"template": "chat", "inline": "{query}"}}, "template and inline are both given"),
    ("Evaluation", {"model": None}, "model is required by engine kind vllm"),
    ("Evaluation", {"model": {}}, "give exactly one of uri and fromTraining"),
    ("Evaluation", {"model": {"fromTraining": "a", "revision": "b"}}, "revision belongs to hub models"),
    ("Evaluation", {"benchmarks": [{"name": "maths"}]}, "no benchmark that this version knows; known: math, gsm8k"),
    ("Evaluation", {"benchmarks": [{"name": "math"}] * 2}, "two benchmarks have the same name"),
    ("Evaluation", {"benchmarks": [{"name": "math", "reference": "as-is"}]}, "knows its own fields and reference"),
    ("Evaluation", {"decoding": {"greedy": False}}, "neither the greedy pass nor trials"),
    ("Evaluation", {"trials": {"count": 4, "temperature": 1, "passAt": [5]}}, "a k in passAt is above count"),
    ("Evaluation", {"trials": {"count": 4, "temperature": 1, "majorityAt": [5]}}, "a k in majorityAt is above count"),
]


@pytest.mark.parametrize(("kind", "fields", "says"), BAD)
def test_what_cannot_work_is_refused_in_words(served, kind, fields, says):
    assert says in served.refused(kind, changed(kind, **fields))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("n" * (LONGEST_NAME + 1), f"metadata.name must have at most {LONGEST_NAME} characters"),
        ("with.dots", "without dots: names of Services are made of it"),
    ],
)
@pytest.mark.parametrize("kind", PLURALS)
def test_a_name_that_children_cannot_carry_is_refused(served, kind, name, says):
    assert says in served.refused(kind, BASES[kind], name)
    # The Syntheses of an Evaluation are named after it.
    longest = LONGEST_NAME - (len("-greedy") if kind == "Evaluation" else 0)
    served.create(kind, BASES[kind], "n" * longest)


@pytest.fixture(scope="module")
def kept(served: Served) -> Served:
    """One object of each kind, for changes."""
    for kind, spec in BASES.items():
        served.create(kind, spec, "kept", keep=True)
    return served


ALLOWED = [
    ("Synthesis", {"strategy": {"target": 100}}),
    ("Synthesis", {"budget": {"maxTrialsPerQuery": 9000, "totalTrials": 10**6}}),
    ("Synthesis", {"budget": {"hopelessProbability": 0}}),
    ("Synthesis", {"samplers": {"replicas": 9, "tolerations": [{"operator": "Exists"}]}}),
    ("Synthesis", {"verifiers": {"replicas": 3}}),
    ("Synthesis", {"suspend": True}),
    ("Synthesis", {"ttlSecondsAfterFinished": 60}),
    ("Synthesis", {"deletionPolicy": "Delete"}),
    ("Synthesis", {"curation": {"deduplicate": "none"}}),
    ("Synthesis", {"engine": {"slots": 64}}),
    ("Synthesis", {"execution": {"processes": 2, "maxExecutions": 8}}),
    ("Synthesis", {"verification": {"maxPending": 5, "policy": "strict"}}),
    ("Training", {"checkpoints": {"keep": 3}}),
    ("Training", {"nodes": 1, "trainers": {"maxRestarts": 9}}),
    ("Training", {"suspend": True}),
    ("Evaluation", {"samplers": {"replicas": 2}}),
    ("Evaluation", {"intervals": {"resamples": 1000}}),
    ("Evaluation", {"engine": {"kind": "vllm"}}),
]


@pytest.mark.parametrize(("kind", "change"), ALLOWED)
def test_what_may_change_may_change(kept, kind, change):
    kept.patch(kind, "kept", change)


FIXED = [
    ("Synthesis", {"recipe": "dart-math"}, "spec.recipe"),
    ("Synthesis", {"queries": [{"name": "other", "uri": "s3://bucket/math.jsonl"}]}, "spec.queries"),
    ("Synthesis", {"model": {"revision": "main"}}, "spec.model"),
    ("Synthesis", {"engine": {"api": "chat"}}, "spec.engine.api"),
    ("Synthesis", {"engine": {"kind": "openai", "baseUrl": "http://a", "model": "m"}}, "spec.engine.kind"),
    ("Synthesis", {"prompt": {"template": "alpaca"}}, "spec.prompt"),
    ("Synthesis", {"sampling": {"temperature": 1.0}}, "spec.sampling"),
    ("Synthesis", {"strategy": {"kind": "uniform"}}, "spec.strategy.kind"),
    ("Synthesis", {"strategy": {"minTrials": 4}}, "spec.strategy.minTrials"),
    ("Synthesis", {"verification": {"policy": "lenient"}}, "spec.verification.policy"),
    ("Synthesis", {"execution": {"seconds": 3}}, "spec.execution.seconds"),
    ("Synthesis", {"pool": {"from": ["s3://bucket/other"]}}, "spec.pool"),
    ("Synthesis", {"output": {"uri": "s3://bucket/other"}}, "spec.output"),
    ("Training", {"data": {"rows": 5}}, "spec.data.rows"),
    ("Training", {"optimisation": {"epochs": 1}}, "spec.optimisation"),
    ("Training", {"deepspeed": {"stage": 1}}, "spec.deepspeed"),
    ("Training", {"output": {"uri": "s3://bucket/other"}}, "spec.output"),
    ("Evaluation", {"benchmarks": [{"name": "gsm8k"}]}, "spec.benchmarks"),
    ("Evaluation", {"trials": {"count": 4, "temperature": 1}}, "spec.trials.count"),
    ("Evaluation", {"decoding": {"maxTokens": 9}}, "spec.decoding.maxTokens"),
]


@pytest.mark.parametrize(("kind", "change", "path"), FIXED)
def test_what_may_not_change_is_refused_from_creation(kept, kind, change, path):
    with pytest.raises(client.ApiException) as caught:
        kept.patch(kind, "kept", change)
    assert f"{path} can't change once the {kind} exists; make a new one" in words(caught.value)


@pytest.mark.parametrize(
    ("kind", "change"),
    [("Synthesis", {"queueName": "gpus"}), ("Training", {"nodes": 2}), ("Training", {"processesPerNode": 2})],
)
def test_some_fields_change_only_while_suspended(served, kind, change):
    served.create(kind, changed(kind, suspend=True), "asleep", keep=True)
    try:
        served.patch(kind, "asleep", {**change, "suspend": False})
        served.cluster.call("PATCH", served.path(kind, "asleep"), {"spec": {"suspend": False}}, MERGE)
        with pytest.raises(client.ApiException) as caught:
            served.patch(kind, "asleep", change)
        assert "can only change while the" in words(caught.value)
    finally:
        served.cluster.call("DELETE", served.path(kind, "asleep"))


def test_a_field_with_nothing_behind_it_counts_as_absent(served):
    made = served.create("Synthesis", {**BASES["Synthesis"], "budget": None, "samplers": {"image": None}})
    assert "budget" not in made["spec"]
    assert made["spec"]["samplers"]["replicas"] == 1


def test_the_api_server_fills_in_what_no_recipe_sets(served):
    made = served.create("Synthesis", {"recipe": "dart-math", "budget": {}, "output": {"uri": "s3://bucket/run"}})
    assert made["spec"]["samplers"]["replicas"] == 1
    assert made["spec"]["suspend"] is False
    assert made["spec"]["budget"] == {}
    loaded = Synthesis.model_validate(made)
    assert loaded.spec.budget.hopeless_probability == 0, "the recipe's"


@pytest.mark.parametrize("kind", ["Synthesis", "Evaluation"])
def test_samplers_are_scaled_like_anything_else(served, kind):
    served.create(kind, BASES[kind], "scaled", keep=True)
    path = served.path(kind, "scaled")
    assert served.cluster.call("GET", f"{path}/scale")["spec"]["replicas"] == 1
    served.cluster.call("PATCH", f"{path}/scale", {"spec": {"replicas": 7}}, MERGE)
    assert served.cluster.call("GET", path)["spec"]["samplers"]["replicas"] == 7
    pods = {"replicas": 5, "ready": 4, "selector": "dart-k8s.io/synthesis=scaled"}
    served.cluster.call("PATCH", f"{path}/status", {"status": {"samplers": pods}}, MERGE)
    scale = served.cluster.call("GET", f"{path}/scale")
    assert scale["status"] == {"replicas": 5, "selector": "dart-k8s.io/synthesis=scaled"}


@pytest.mark.parametrize("kind", KINDS, ids=PLURALS)
def test_the_largest_status_is_written_whole_and_leaves_the_spec_alone(kept, kind):
    found = kept.cluster.call(
        "GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{kind.plural}.dart-k8s.io"
    )
    status = largest(found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"])
    moment = "2026-01-02T03:04:05Z"
    status |= {"startedAt": moment, "finishedAt": moment, "estimatedFinish": moment}
    types = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]
    types = types["conditions"]["items"]["properties"]["type"]["enum"]
    for condition, name in zip(status["conditions"], types, strict=True):
        condition |= {"type": name, "lastTransitionTime": moment, "message": "word " * 80}
    for number, named in enumerate(status.get("progress", {}).get("sources", status.get("scores", []))):
        named["name"] = f"source-{number}"
    for number, named in enumerate(status.get("scores", [])):
        named["name"] = f"benchmark-{number}"
    status["message"] = "word " * 80
    body = {"status": status, "spec": {"suspend": True}}
    written = kept.cluster.call("PATCH", kept.path(kind.kind, "kept") + "/status", body, MERGE)
    assert written["status"] == status
    assert written["spec"]["suspend"] is False


def test_columns_show_where_it_stands(kept):
    status = {"phase": "Sampling", "progress": {"summary": "63%", "trials": 1000, "accepted": 70}}
    kept.cluster.call("PATCH", kept.path("Synthesis", "kept") + "/status", {"status": status}, MERGE)
    request = kept.cluster.api.param_serialize(
        "GET", kept.path("Synthesis"), auth_settings=["BearerToken"],
        header_params={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"},
    )  # fmt: skip
    table = json.loads(kept.cluster.api.call_api(*request).read())
    names = [column["name"] for column in table["columnDefinitions"] if not column["priority"]]
    assert names == ["Name", "Phase", "Progress", "Trials", "Accepted", "ETA", "Age"]
    [row] = [row["cells"] for row in table["rows"] if row["cells"][0] == "kept"]
    assert row[1:5] == ["Sampling", "63%", 1000, 70]


KUBECTL = shutil.which("kubectl")
needs_kubectl = pytest.mark.skipif(
    KUBECTL is None and not os.environ.get("CI"), reason="needs kubectl: https://kubernetes.io/docs/tasks/tools"
)


def kubectl(served: Served, *arguments: str) -> str:
    command = [KUBECTL or "kubectl", "--kubeconfig", str(served.cluster.kubeconfig), "-n", served.namespace, *arguments]
    made = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert made.returncode == 0, made.stderr
    return made.stdout


@needs_kubectl
@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("synthesis", "A Synthesis samples responses to problems, verifies them"),
        ("synthesis.spec.strategy", "prop2diff: correct responses in proportion to the difficulty"),
        ("syn.spec.samplers.tolerations", "Taints of nodes that are no obstacle."),
        ("training.spec.optimisation.learningRate", "5e-5, and 2e-5 for models of 70 B and more"),
        ("deval.spec.benchmarks", "What to evaluate on."),
        ("synthesis.status.conditions.reason", "docs/reference/conditions.md says what to do"),
    ],
)
def test_kubectl_explains_a_field(served, path, says):
    assert says in " ".join(kubectl(served, "explain", path).split())


@needs_kubectl
def test_plain_kubectl_apply_takes_the_files(served, tmp_path):
    for name, document in definitions().items():
        document["spec"]["group"] = "applied.example"
        document["metadata"]["name"] = f"{document['spec']['names']['plural']}.applied.example"
        del document["spec"]["names"]["shortNames"]
        (tmp_path / name).write_text(yaml.safe_dump(document))
    try:
        assert kubectl(served, "apply", "-f", str(tmp_path)).count("created") == len(KINDS)
        assert kubectl(served, "apply", "-f", str(tmp_path)).count("unchanged") == len(KINDS)
    finally:
        kubectl(served, "delete", "-f", str(tmp_path), "--wait=false")


ONLY_IN_A_CLUSTER = ("pods do not start in your folder", "nothing deletes a whole bucket")
"""Words of the rules that a declaration for one machine need not keep."""


@pytest.mark.parametrize("kind", PLURALS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_an_api_server_and_the_models_take_the_same(served, kind, data):
    spec = data.draw(specs(kind))
    document = {"apiVersion": "dart-k8s.io/v1alpha1", "kind": kind, "metadata": {"name": "one"}, "spec": spec}
    try:
        made, refusal = served.create(kind, spec), ""
    except client.ApiException as error:
        made, refusal = document, words(error)
    try:
        MODELS[kind].model_validate(made)
        problem = ""
    except ValidationError as error:
        problem = str(error)
    event(f"the API server {'refuses' if refusal else 'takes'} it, the model {'refuses' if problem else 'takes'} it")
    assert refusal or not problem, f"an API server takes {spec}, and the model says {problem}"
    assert problem or not refusal or any(said in refusal for said in ONLY_IN_A_CLUSTER), f"{refusal}: {spec}"
