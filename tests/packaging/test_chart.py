"""The chart: values that are checked, objects that the API takes, a pod that may do nothing it need not."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from dart_k8s import __version__
from dart_k8s.api import load_documents
from dart_k8s.errors import EXIT_SPEC, EXIT_STOPPED
from dart_k8s.workers.local import LEAVE_SECONDS

from .containerfiles import ROOT
from .rendering import CHART, EXAMPLES, MODELS, helm, problems, refusal, template, the

SCHEMA = json.loads((CHART / "values.schema.json").read_text("utf-8"))
VALUES = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a name with a typo": ({"persistance": {"enabled": True}}, "persistance"),
    "a nested name with a typo": ({"job": {"backOffLimit": 3}}, "backOffLimit"),
    "a number as a word": ({"job": {"backoffLimit": "six"}}, "backoffLimit"),
    "a quantity that is none": ({"resources": {"limits": {"memory": "8 GB"}}}, "memory"),
    "the tag latest": ({"image": {"tag": "latest"}}, "tag"),
    "a short digest": ({"image": {"digest": "sha256:12"}}, "digest"),
    "a folder of the node": ({"volumes": [{"name": "x", "hostPath": {"path": "/"}}]}, "volumes"),
    "less time than samplers need": ({"job": {"terminationGracePeriodSeconds": 1}}, "terminationGracePeriodSeconds"),
    "a switch as a word": ({"persistence": {"enabled": "yes please"}}, "enabled"),
}


def merged(values: dict[str, Any]) -> dict[str, Any]:
    """As helm merges values over the chart's own."""

    def over(below: Any, above: Any) -> Any:
        if isinstance(below, dict) and isinstance(above, dict):
            return {**below, **{name: over(below.get(name), value) for name, value in above.items()}}
        return above

    result = over(VALUES, values)
    assert isinstance(result, dict)
    return result


@pytest.fixture(params=EXAMPLES, ids=[path.name.removesuffix("-values.yaml") for path in EXAMPLES])
def example(request: pytest.FixtureRequest) -> Path:
    path = request.param
    assert isinstance(path, Path)
    return path


def container(objects: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = the("Job", objects)["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


# Without helm


def test_the_schema_is_one_and_takes_the_values_of_the_chart() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(VALUES)


def test_the_schema_and_the_values_name_the_same() -> None:
    def compare(schema: dict[str, Any], values: dict[str, Any], path: str) -> None:
        assert schema["additionalProperties"] is False, path
        named = set(schema["properties"]) - ({"global"} if not path else {"claims"} if path == ".resources" else set())
        assert named == set(values), path
        for name in named:
            inner = schema["properties"][name]
            if "properties" in inner:
                compare(inner, values[name], f"{path}.{name}")

    compare(SCHEMA, VALUES, "")


@pytest.mark.parametrize("values", [wrong for wrong, _ in WRONG.values()], ids=list(WRONG))
def test_the_schema_refuses(values: dict[str, Any]) -> None:
    assert list(Draft202012Validator(SCHEMA).iter_errors(merged(values)))


def test_an_example_is_a_valid_declaration_and_valid_values(example: Path) -> None:
    values = yaml.safe_load(example.read_text("utf-8"))
    Draft202012Validator(SCHEMA).validate(merged(values))
    assert load_documents(values["declaration"], str(example))


def test_the_chart_has_the_version_of_the_project() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    assert chart["version"] == chart["appVersion"] == __version__


def test_a_pod_has_the_time_that_samplers_take_to_leave() -> None:
    minimum = SCHEMA["properties"]["job"]["properties"]["terminationGracePeriodSeconds"]["minimum"]
    assert VALUES["job"]["terminationGracePeriodSeconds"] >= minimum > LEAVE_SECONDS


def test_the_image_is_one_that_is_built_here() -> None:
    assert VALUES["image"]["repository"].removeprefix("dart-") in {p.parent.name for p in ROOT.glob("images/*/*file")}


def test_the_comparison_with_the_api_sees_typos_types_and_what_is_missing() -> None:
    pod = {"containers": [{"image": "x", "imagePulPolicy": "Never", "args": "run"}], "hostPID": "no"}
    found = "; ".join(problems({"spec": {"template": {"spec": pod}, "backoffLimit": True}}, "V1Job"))
    for word in ("imagePulPolicy: no field", "args: no list", "'no' is no bool", "needs name", "True is no int"):
        assert word in found


# With helm


def test_helm_finds_nothing_to_complain_of(example: Path) -> None:
    done = helm("lint", "--strict", CHART, "-f", example)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_rendered_has_the_shape_that_the_api_takes(example: Path) -> None:
    objects = template("-f", example)
    assert {o["kind"] for o in objects} >= {"ConfigMap", "Job", "ServiceAccount"}
    for found in objects:
        model = MODELS[found["apiVersion"], found["kind"]]
        assert problems(found, model.__name__, found["kind"]) == []
        assert found["metadata"]["namespace"] == "runs"
        for value in found["metadata"]["labels"].values():
            assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", value)


def test_a_pod_meets_the_level_restricted(example: Path) -> None:
    objects = template("-f", example)
    pod = the("Job", objects)["spec"]["template"]["spec"]
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(pod)
    assert pod["automountServiceAccountToken"] is False
    assert the("ServiceAccount", objects)["automountServiceAccountToken"] is False
    outer, inner = pod["securityContext"], container(objects)["securityContext"]
    assert outer["runAsNonRoot"] is True and outer["runAsUser"] > 0 and outer["fsGroup"] > 0
    assert outer["seccompProfile"] == {"type": "RuntimeDefault"}
    assert inner == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    kinds = {kind for volume in pod["volumes"] for kind in volume if kind != "name"}
    assert kinds <= {"configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret", "csi", "ephemeral"}


def test_everything_that_is_written_to_is_a_volume(example: Path) -> None:
    objects = template("-f", example)
    mounts = {mount["mountPath"]: mount["name"] for mount in container(objects)["volumeMounts"]}
    assert set(mounts.values()) == {v["name"] for v in the("Job", objects)["spec"]["template"]["spec"]["volumes"]}
    places = {e["name"]: e.get("value", "") for e in container(objects)["env"]}
    for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "DART_CACHE", "HF_HOME"):
        assert any(Path(places[name]).is_relative_to(mount) for mount in mounts), name
    assert container(objects)["workingDir"] in mounts


def test_the_job_judges_exit_codes_as_the_program_means_them(example: Path) -> None:
    spec = the("Job", template("-f", example))["spec"]
    rules = spec["podFailurePolicy"]["rules"]
    codes = {code: rule["action"] for rule in rules for code in rule.get("onExitCodes", {}).get("values", ())}
    assert codes == {EXIT_SPEC: "FailJob", EXIT_STOPPED: "Ignore"}
    disruption = [rule["action"] for rule in rules if "onPodConditions" in rule]
    assert disruption == ["Ignore"]
    # The API refuses the policy with any other restart policy.
    assert spec["template"]["spec"]["restartPolicy"] == "Never" and spec["podReplacementPolicy"] == "Failed"


def test_a_declaration_reaches_the_pod_as_it_was_written() -> None:
    file = ROOT / "manifests/examples/quickstart.yaml"
    objects = template("--set-file", f"declaration={file}", "--set", "persistence.enabled=true")
    config = the("ConfigMap", objects)
    assert config["data"]["declaration.yaml"] == file.read_text("utf-8")
    job = the("Job", objects)
    volume = next(v for v in job["spec"]["template"]["spec"]["volumes"] if v["name"] == "declaration")
    assert volume["configMap"]["name"] == config["metadata"]["name"]
    assert container(objects)["args"] == ["run", "/etc/dart/declaration.yaml"]


def test_other_values_make_another_job_and_the_same_values_the_same(example: Path) -> None:
    first = the("Job", template("-f", example))["metadata"]["name"]
    assert the("Job", template("-f", example))["metadata"]["name"] == first
    assert the("Job", template("-f", example, "--set", "podLabels.a=b"))["metadata"]["name"] != first


def test_names_are_short_enough_for_the_pods_of_a_job(example: Path) -> None:
    for found in template("-f", example, release="a" * 53):
        # A pod's name adds a dash and five characters to its Job's, and is a host name.
        assert len(found["metadata"]["name"]) <= (57 if found["kind"] == "Job" else 63)


def test_gpus_keys_and_claims_arrive() -> None:
    gpu, endpoint, kept = (template("-f", CHART / f"ci/{n}-values.yaml") for n in ("gpu", "endpoint", "persistent"))
    assert container(gpu)["resources"]["limits"]["nvidia.com/gpu"] == 2
    assert container(gpu)["image"].startswith("registry.example/dart-sampler@sha256:")
    assert the("Job", gpu)["spec"]["ttlSecondsAfterFinished"] == 0
    # A large number must not become 8.64e+06 on its way through a template.
    assert the("Job", gpu)["spec"]["activeDeadlineSeconds"] == 8640000
    assert the("ServiceAccount", gpu)["metadata"]["annotations"]
    assert container(endpoint)["image"] == f"dart-worker:{__version__}"
    key = next(e for e in container(endpoint)["env"] if e["name"] == "AWS_ACCESS_KEY_ID")
    assert key["valueFrom"]["secretKeyRef"] == {"name": "s3", "key": "id"}
    claim = the("PersistentVolumeClaim", kept)
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    data = next(v for v in the("Job", kept)["spec"]["template"]["spec"]["volumes"] if v["name"] == "data")
    assert data["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert container(kept)["args"][-1] == "--offline"


def test_an_account_of_the_users_own_is_used_and_none_is_made() -> None:
    values = {"serviceAccount": {"create": False, "name": "mine"}}
    objects = template("-f", CHART / "ci/endpoint-values.yaml", values=values)
    assert "ServiceAccount" not in {o["kind"] for o in objects}
    assert the("Job", objects)["spec"]["template"]["spec"]["serviceAccountName"] == "mine"


@pytest.mark.parametrize(("values", "word"), list(WRONG.values()), ids=list(WRONG))
def test_helm_refuses(values: dict[str, Any], word: str) -> None:
    assert word in refusal("-f", CHART / "ci/endpoint-values.yaml", values=values)


@pytest.mark.parametrize(
    ("declaration", "words"),
    [
        ("", "--set-file declaration=FILE"),
        ("kind: [", "not YAML"),
        ("kind: Training\nspec: {}\n", "kind Training"),
        ("kind: Synthesis\nmetadata: {name: a}\nspec: {output: {uri: runs/a}}\n", "persistence.enabled=true"),
        (
            "---\nkind: Synthesis\nspec: {output: {uri: s3://b/a}}\n---\nkind: Synthesis\nmetadata: {name: second}\n",
            "The output of second",
        ),
    ],
    ids=["none", "no YAML", "another kind", "an output that goes with the pod", "a second document"],
)
def test_a_declaration_that_cannot_work_is_refused_in_words(declaration: str, words: str) -> None:
    assert words in refusal(values={"declaration": declaration})
