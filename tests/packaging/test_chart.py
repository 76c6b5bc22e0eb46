"""The chart: values that are checked, objects that the API takes, settings that the operator takes."""

import dataclasses
import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic.alias_generators import to_camel

from dart_k8s import __version__
from dart_k8s.api.places import within
from dart_k8s.cli.crds import files
from dart_k8s.operator.settings import OperatorSettings, load
from dart_k8s.reconcile import Settings

from . import chart_docs
from .rendering import (
    CHART,
    CLUSTER_WIDE,
    EXAMPLES,
    FOREIGN,
    MODELS,
    Object,
    containers,
    example,
    helm,
    pods,
    problems,
    refusal,
    template,
    the,
)

SCHEMA = json.loads((CHART / "values.schema.json").read_text("utf-8"))
VALUES = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
EACH = pytest.mark.parametrize("name", list(EXAMPLES))
LARGEST_DEFINITION = 200 * 1024
LARGEST_RELEASE = 700 * 1024
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a name with a typo": ({"namespacs": ["a"]}, "namespacs"),
    "a nested name with a typo": ({"operator": {"replica": 3}}, "replica"),
    "a name of the chart before this one": ({"declaration": "kind: Synthesis"}, "declaration"),
    "a number as a word": ({"operator": {"replicas": "two"}}, "replicas"),
    "no replica": ({"operator": {"replicas": 0}}, "replicas"),
    "a quantity that is none": ({"operator": {"resources": {"limits": {"memory": "8 GB"}}}}, "memory"),
    "the tag latest": ({"image": {"tag": "latest"}}, "tag"),
    "a short digest": ({"images": {"worker": {"digest": "sha256:12"}}}, "digest"),
    "a registry with a scheme": ({"image": {"registry": "https://registry.example"}}, "registry"),
    "an image nobody uses": ({"images": {"sidecar": {"repository": "x"}}}, "sidecar"),
    "a URI that is no place": ({"allowedOutputs": {"team": ["bucket/folder"]}}, "allowedOutputs"),
    "a URI with credentials": ({"allowedOutputs": {"team": ["s3://key:secret@bucket/"]}}, "allowedOutputs"),
    "an endpoint with credentials": ({"objectStore": {"endpoint": "https://key:secret@s3.example"}}, "endpoint"),
    "a secret in clear": ({"pods": {"env": {"HF_TOKEN": "hf_x"}}}, "HF_TOKEN"),
    "less silence than the API server may keep": ({"operator": {"silenceSeconds": 30}}, "silenceSeconds"),
    "a switch as a word": ({"crds": {"keep": "yes please"}}, "keep"),
    "a test that writes to a whole bucket": ({"tests": {"output": "s3://bucket"}}, "output"),
}
SET_BY_THE_CHART = {
    "leaseNamespace", "leaseName", "healthPort", "decisions.images", "decisions.allowedOutputs", "decisions.env",
    "decisions.pullPolicy", "decisions.pullSecrets", "decisions.serviceAccount", "decisions.storeSecret",
    "decisions.caConfigMap", "decisions.caKey", "decisions.clusterDomain", "decisions.resources",
}  # fmt: skip
"""Settings that follow from values of other names."""
NOT_IN_A_POD = {"kubeconfig", "context", "healthHost", "folding.command"}
"""Settings for an operator that runs elsewhere, and for tests."""


def merged(values: dict[str, Any]) -> dict[str, Any]:
    """As helm merges values over the chart's own."""

    def over(below: Any, above: Any) -> Any:
        if isinstance(below, dict) and isinstance(above, dict):
            return {**below, **{name: over(below.get(name), value) for name, value in above.items()}}
        return above

    result = over(VALUES, values)
    assert isinstance(result, dict)
    return result


def settings_of(objects: list[Object], folder: Path) -> OperatorSettings:
    """What the operator reads."""
    [found] = [one for one in objects if one["kind"] == "ConfigMap" and "settings.yaml" in one["data"]]
    path = folder / "settings.yaml"
    path.write_text(found["data"]["settings.yaml"])
    return load(path, {})


# Without helm


def test_the_schema_is_one_and_takes_the_values_of_the_chart() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(VALUES)


def test_no_part_of_the_schema_takes_names_that_it_does_not_know() -> None:
    loose = []

    def walk(node: Any, path: str) -> None:
        if isinstance(node, dict):
            # What is Kubernetes' own goes to the API server, which checks it, under $defs/kubernetes alone.
            own = path in ("/$defs/kubernetes", "/properties/global")
            closed = node.get("additionalProperties") is False or isinstance(node.get("additionalProperties"), dict)
            if node.get("type") == "object" and not closed and not own:
                loose.append(path)
            for name, inner in node.items():
                walk(inner, f"{path}/{name}")

    walk(SCHEMA, "")
    assert loose == []


def test_the_schema_and_the_values_name_the_same() -> None:
    def compare(schema: dict[str, Any], values: dict[str, Any], path: str) -> None:
        named = set(schema["properties"]) - ({"global"} if not path else set())
        assert named == set(values), path
        for name in named:
            inner = schema["properties"][name]
            if "properties" in inner and isinstance(values[name], dict):
                compare(inner, values[name], f"{path}.{name}")

    compare(SCHEMA, VALUES, "")


@pytest.mark.parametrize("values", [wrong for wrong, _ in WRONG.values()], ids=list(WRONG))
def test_the_schema_refuses(values: dict[str, Any]) -> None:
    assert list(Draft202012Validator(SCHEMA).iter_errors(merged(values)))


@EACH
def test_an_example_has_valid_values(name: str) -> None:
    Draft202012Validator(SCHEMA).validate(merged(yaml.safe_load(EXAMPLES[name].read_text("utf-8"))))


def test_the_readme_has_every_value_as_it_is() -> None:
    assert chart_docs.README.read_text("utf-8") == chart_docs.page(), "run `make chart-docs`"


def test_the_chart_has_the_version_of_the_project() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    assert chart["version"] == chart["appVersion"] == __version__


def test_the_definitions_of_the_chart_are_those_that_the_models_make() -> None:
    found = {path.name: path.read_text("utf-8") for path in (CHART / "definitions").glob("*")}
    assert found == files(), "run `make crds`"


def test_the_chart_hub_is_told_of_every_kind() -> None:
    annotations = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))["annotations"]
    told = {(one["name"], one["kind"]) for one in yaml.safe_load(annotations["artifacthub.io/crds"])}
    made = [yaml.safe_load(text) for text in files().values()]
    assert told == {(one["metadata"]["name"], one["spec"]["names"]["kind"]) for one in made}


def test_the_values_have_the_defaults_of_the_operator() -> None:
    operator, decisions = OperatorSettings(), Settings()
    for name, value in VALUES["decisions"].items():
        [field] = [field.name for field in dataclasses.fields(decisions) if to_camel(field.name) == name]
        assert getattr(decisions, field) == value, name
    assert VALUES["pods"]["resources"] == decisions.resources
    assert VALUES["pods"]["clusterDomain"] == decisions.cluster_domain
    assert VALUES["caBundle"]["key"] == decisions.ca_key
    shared = {"workers", "qps", "burst", "silenceSeconds", "stopSeconds", "logLevel"}
    fields = {to_camel(field.name): getattr(operator, field.name) for field in dataclasses.fields(operator)}
    assert {name: VALUES["operator"][name] for name in shared} == {name: fields[name] for name in shared}
    assert VALUES["operator"]["lease"] == dataclasses.asdict(operator.lease)
    folding = dataclasses.asdict(operator.folding)
    assert VALUES["operator"]["folding"] == {to_camel(name): v for name, v in folding.items() if name != "command"}


def test_the_comparison_with_the_api_sees_typos_types_and_what_is_missing() -> None:
    pod = {"containers": [{"image": "x", "imagePulPolicy": "Never", "args": "run"}], "hostPID": "no"}
    found = "; ".join(problems({"spec": {"template": {"spec": pod}, "replicas": True}}, "V1Deployment"))
    for word in ("imagePulPolicy: no field", "args: no list", "'no' is no bool", "needs name", "True is no int"):
        assert word in found


# With helm


@EACH
def test_helm_finds_nothing_to_complain_of(name: str) -> None:
    done = helm("lint", "--strict", CHART, "-f", EXAMPLES[name])
    assert done.returncode == 0, done.stdout + done.stderr


@EACH
def test_what_is_rendered_has_the_shape_that_the_api_takes(name: str) -> None:
    for found in example(name):
        if found["kind"] not in FOREIGN:
            model = MODELS[found["apiVersion"], found["kind"]]
            assert problems(found, model.__name__, found["kind"]) == []
        assert ("namespace" in found["metadata"]) is (found["kind"] not in CLUSTER_WIDE), found["metadata"]["name"]
        for value in found["metadata"]["labels"].values():
            assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", value)


@EACH
def test_the_operator_takes_its_settings(name: str, tmp_path: Path) -> None:
    found = settings_of(example(name), tmp_path)
    assert found.lease_namespace == "runs"
    assert set(found.decisions.images) == {"worker", "sampler", "verifier", "trainer"}


def test_every_setting_can_be_reached_by_values() -> None:
    [found] = [one for one in example("bare") if one["kind"] == "ConfigMap"]
    written = yaml.safe_load(found["data"]["settings.yaml"])
    names = {to_camel(field.name) for field in dataclasses.fields(OperatorSettings)}
    assert set(written) == names - NOT_IN_A_POD
    decisions = {to_camel(field.name) for field in dataclasses.fields(Settings)}
    assert set(written["decisions"]) == decisions
    assert {f"decisions.{name}" for name in decisions - set(VALUES["decisions"])} <= SET_BY_THE_CHART


def test_other_settings_take_other_pods_and_the_same_settings_the_same() -> None:
    def checksum(**values: Any) -> str:
        annotations = the("Deployment", template(values=values))["spec"]["template"]["metadata"]["annotations"]
        return str(annotations["checksum/settings"])

    assert checksum() == checksum(operator={"replicas": 5})
    assert checksum() != checksum(operator={"logLevel": "debug"})


@pytest.mark.parametrize(
    ("values", "uri", "namespace", "allowed"),
    [
        ({}, "s3://math/runs/one", "team", False),
        ({"objectStore": {"bucket": "math"}}, "s3://math/runs/one", "team", True),
        ({"objectStore": {"bucket": "math"}}, "s3://mathematics/runs/one", "team", False),
        ({"objectStore": {"embedded": {"enabled": True}}}, "s3://dart/one", "team", True),
        (
            {"objectStore": {"bucket": "math"}, "allowedOutputs": {"a": ["s3://math/a/"]}},
            "s3://math/a/one",
            "b",
            False,
        ),
    ],
    ids=["none by default", "the bucket", "another bucket", "the embedded one", "listed ones alone"],
)
def test_outputs_go_where_the_values_say(
    values: dict[str, Any], uri: str, namespace: str, allowed: bool, tmp_path: Path
) -> None:
    outputs = settings_of(template(values=values), tmp_path).decisions.allowed_outputs
    prefixes = [*outputs.get(namespace, ()), *outputs.get("*", ())]
    assert any(within(uri, prefix) for prefix in prefixes) is allowed


def test_one_registry_serves_all_images_and_digests_go_before_tags(tmp_path: Path) -> None:
    objects = template(
        values={"image": {"registry": "r.example:5000/x"}, "objectStore": {"embedded": {"enabled": True}}}
    )
    images = {one["image"] for one in containers(objects)}
    images |= set(settings_of(objects, tmp_path).decisions.images.values())
    version = {
        f"r.example:5000/x/dart-{n}:{__version__}" for n in ("operator", "worker", "sampler", "verifier", "trainer")
    }
    assert images == version | {"r.example:5000/x/chrislusf/seaweedfs:4.48"}
    held = settings_of(example("airgapped"), tmp_path).decisions.images
    assert held["sampler"].startswith("mirror.example:5000/dart/dart-sampler@sha256:2")
    assert all("@sha256:" in one["image"] for one in containers(example("airgapped")))


def test_pull_secrets_reach_every_pod(tmp_path: Path) -> None:
    objects = template(values={"image": {"pullSecrets": ["mirror"]}, "objectStore": {"embedded": {"enabled": True}}})
    assert all(spec["imagePullSecrets"] == [{"name": "mirror"}] for spec in pods(objects).values())
    assert settings_of(objects, tmp_path).decisions.pull_secrets == ("mirror",)


@EACH
def test_a_definition_is_small_enough_for_plain_kubectl_apply(name: str) -> None:
    found = [one for one in example(name) if one["kind"] == "CustomResourceDefinition"]
    assert len(found) == (0 if name == "namespaced" else 3)
    for one in found:
        assert len(json.dumps(one)) < LARGEST_DEFINITION
        assert one["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_definitions_stay_out_or_go_with_the_release_if_so_wanted() -> None:
    without = template("--set", "crds.install=false")
    assert not {"CustomResourceDefinition"} & {one["kind"] for one in without}
    mortal = template("--set", "crds.keep=false")
    definitions = [one for one in mortal if one["kind"] == "CustomResourceDefinition"]
    assert len(definitions) == 3 and not any("annotations" in one["metadata"] for one in definitions)


@pytest.mark.parametrize("name", ["full", "embedded"])
def test_a_release_fits_into_a_secret_with_room_to_spare(name: str) -> None:
    """Helm keeps the chart, the values and what was rendered in one Secret, of at most a mebibyte."""
    done = helm("template", "dart", CHART, "-f", EXAMPLES[name])
    chart = {path.name: path.read_text("utf-8") for path in CHART.rglob("*") if path.is_file()}
    packed = gzip.compress(json.dumps({"chart": chart, "manifest": done.stdout}).encode(), 6)
    # Twice in base64: by Helm, and by the API.
    assert len(packed) * 16 / 9 < LARGEST_RELEASE


@pytest.mark.parametrize(("values", "word"), list(WRONG.values()), ids=list(WRONG))
def test_helm_refuses(values: dict[str, Any], word: str) -> None:
    assert word in refusal(values=values)


def test_listed_namespaces_take_roles_there_and_nothing_for_the_whole_cluster() -> None:
    objects = example("namespaced")
    assert not CLUSTER_WIDE & {one["kind"] for one in objects}
    roles = {one["metadata"]["namespace"]: one for one in objects if one["metadata"]["name"] == "dart-operator"}
    everywhere = the("ClusterRole", example("bare"), "dart-operator")["rules"]
    for namespace in ("algebra", "geometry"):
        assert roles[namespace]["kind"] in ("Role", "RoleBinding")
    granted = [one["rules"] for one in objects if one["kind"] == "Role" and one["metadata"]["name"] == "dart-operator"]
    assert granted == [everywhere, everywhere]


def test_an_account_of_the_users_own_is_used_and_none_is_made() -> None:
    objects = example("namespaced")
    assert [one["metadata"]["name"] for one in objects if one["kind"] == "ServiceAccount"] == ["dart-rehearsal"]
    assert the("Deployment", objects)["spec"]["template"]["spec"]["serviceAccountName"] == "operator"
    for binding in (one for one in objects if one["kind"] == "RoleBinding" and "operator" in one["metadata"]["name"]):
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "operator", "namespace": "runs"}]


def test_names_are_short_enough_whatever_the_release_is_called() -> None:
    for found in template(values={"objectStore": {"embedded": {"enabled": True}}}, release="a" * 53):
        # A label of a StatefulSet's pods adds a hash to its name.
        assert len(found["metadata"]["name"]) <= (52 if found["kind"] == "StatefulSet" else 63)


def test_alerts_name_their_pages_where_the_installation_serves_them() -> None:
    for prefix in ("", "https://git.example/dart/"):
        made = template(values={"monitoring": {"rules": {"enabled": True, "runbookPrefix": prefix}}})
        groups = [group for one in made if one["kind"] == "PrometheusRule" for group in one["spec"]["groups"]]
        pages = [rule["annotations"]["runbook_url"] for group in groups for rule in group["rules"] if "alert" in rule]
        assert pages and all(page.startswith(f"{prefix}docs/runbooks/") for page in pages)
