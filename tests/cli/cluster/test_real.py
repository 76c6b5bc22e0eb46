"""The verbs on a real API server: what they say is what a user of `kubectl dart` reads."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from dart_k8s.api.crds import definitions
from dart_k8s.cli.cluster.following import follow
from dart_k8s.cli.cluster.reaching import reach
from dart_k8s.cli.verbs import kubectl
from dart_k8s.errors import EXIT_SPEC, ClusterUnavailable, DartError, Forbidden, SpecError
from dart_k8s.names import STAGE, SYNTHESIS
from dart_k8s.reconcile.findings import Finding, encode
from tests.cli.calling import dart as here
from tests.cli.conftest import FinishedRun
from tests.cluster.pods import EXIT_CODE, MESSAGE

from .objects import condition, declared

Said = Callable[..., str]


@pytest.fixture(scope="module")
def served(cluster: Any) -> Any:
    cluster.apply(definitions().values())
    return cluster


def called(*arguments: object) -> tuple[int, str]:
    """Exit code and output of `kubectl dart ARGUMENTS`; errors come through as they are raised."""
    out = io.StringIO()
    with redirect_stdout(out):
        code = typer.main.get_command(kubectl).main([str(one) for one in arguments], standalone_mode=False)
    return code or 0, out.getvalue()


@pytest.fixture
def dart(served: Any, namespace: str) -> Said:
    """`kubectl dart VERB ...` in a namespace of the test's own."""

    def said(verb: str, *arguments: object, expect: int = 0) -> str:
        code, out = called(verb, *arguments, "-n", namespace, "--kubeconfig", served.kubeconfig)
        assert code == expect, out
        return out

    return said


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def write(**fields: Any) -> Path:
        (tmp_path / "hard.yaml").write_text(yaml.safe_dump(declared(**fields)))
        return tmp_path / "hard.yaml"

    return write


def refused(act: Callable[[], object], kind: type[DartError] = SpecError) -> DartError:
    with pytest.raises(kind) as caught:
        act()
    return caught.value


def written(served: Any, namespace: str, name: str, status: dict[str, Any]) -> None:
    """A status, as the operator writes it."""
    path = f"/apis/dart-k8s.io/v1alpha1/namespaces/{namespace}/syntheses/{name}/status"
    served.call("PATCH", path, {"status": status}, content="application/merge-patch+json")


def test_submitting_creates_changes_and_says_what(dart: Said, file: Any, namespace: str) -> None:
    assert "would be created" in dart("submit", file(), "--dry-run")
    assert dart("submit", file()) == f"Synthesis {namespace}/hard created.\n"
    assert "is so already" in dart("submit", file())
    assert "spec.samplers.replicas: 4 -> 6" in dart("submit", file(samplers={"replicas": 6}), "--dry-run")
    assert "spec.samplers.replicas: 4 -> 6" in dart("submit", file(samplers={"replicas": 6}))


def test_what_may_not_change_is_said_by_its_field_with_the_way_out(dart: Said, file: Any) -> None:
    dart("submit", file())
    error = refused(lambda: dart("submit", file(model={"uri": "hf://owner/other"})))
    assert error.exit_code == EXIT_SPEC
    assert "\n  spec.model can't change once the Synthesis exists; make a new one" in error.message


def test_what_somebody_else_changed_is_kept_unless_it_is_forced(
    served: Any, dart: Said, file: Any, namespace: str
) -> None:
    served.apply(declared(), namespace)
    # Theirs and ours are the same but for the defaults that the API server filled in: no conflict to a user.
    assert "is so already" in dart("submit", file())
    served.apply(declared(samplers={"replicas": 9}), namespace)
    error = refused(lambda: dart("submit", file()))
    assert "spec.samplers.replicas: 9 -> 4" in error.message and "dart-tests" in error.message
    assert "9 -> 4" in dart("submit", file(), "--force-conflicts")


def test_a_training_and_an_evaluation_go_along(dart: Said, tmp_path: Path, namespace: str) -> None:
    training = {
        "apiVersion": "dart-k8s.io/v1alpha1",
        "kind": "Training",
        "metadata": {"name": "tuned"},
        "spec": {
            "data": {"fromSynthesis": "hard"},
            "model": {"uri": "hf://owner/base"},
            "output": {"uri": "s3://bucket/tuned"},
        },
    }
    path = tmp_path / "both.yaml"
    path.write_text(yaml.safe_dump_all([declared(), training]))
    assert dart("submit", path).splitlines() == [
        f"Synthesis {namespace}/hard created.",
        f"Training {namespace}/tuned created.",
    ]


def test_a_namespace_that_is_not_there_is_said(served: Any, file: Any) -> None:
    error = refused(lambda: called("submit", file(), "-n", "nowhere", "--kubeconfig", served.kubeconfig))
    assert "no namespace 'nowhere'" in error.message and "kubectl create namespace nowhere" in error.remedy


def test_a_context_that_is_not_there_has_the_names_of_those_that_are(served: Any) -> None:
    error = refused(lambda: called("status", "--context", "other", "--kubeconfig", served.kubeconfig))
    assert "no context 'other'" in error.message and "It has: " in error.remedy


def test_without_the_right_it_says_which_one_is_missing(served: Any, namespace: str) -> None:
    few = served.kubeconfig_of("nobody", namespace)
    error = refused(lambda: called("status", "-n", namespace, "--kubeconfig", few), Forbidden)
    assert 'cannot list resource "syntheses"' in error.message and "Ask who runs" in error.remedy


def test_a_cluster_that_does_not_answer_is_said_with_its_context(served: Any) -> None:
    away = served.kubeconfig_at("https://127.0.0.1:1")
    error = refused(lambda: called("status", "--kubeconfig", away), ClusterUnavailable)
    assert "context" in error.message and "cluster-info" in error.remedy


def test_a_name_that_is_not_there_has_near_ones(dart: Said, file: Any) -> None:
    dart("submit", file())
    assert "Did you mean hard?" in refused(lambda: dart("explain", "hrad")).remedy


def test_status_shows_what_the_operator_wrote(served: Any, dart: Said, file: Any, namespace: str) -> None:
    dart("submit", file())
    assert "not seen by an operator" in dart("status", "hard")
    progress = {"summary": "50%", "queries": 8, "open": 4, "trials": 40, "correct": 20, "accepted": 16, "wanted": 32}
    degraded = condition("Degraded", "OutOfMemory", "Pod x was killed.")
    written(
        served,
        namespace,
        "hard",
        {"phase": "Sampling", "observedGeneration": 1, "progress": progress, "conditions": [degraded]},
    )
    one = dart("status", "hard")
    assert one.startswith(f"{namespace}/hard (uniform): Sampling, 50%\n") and "16 of 32 accepted" in one
    assert "(OutOfMemory): Pod x was killed." in one
    head, line = dart("status").splitlines()
    assert head.split()[1] == "PHASE" and line.split()[:4] == ["hard", "Sampling", "50%", "40"]
    assert json.loads(dart("status", "hard", "-o", "json"))["status"]["progress"]["accepted"] == 16
    _, everywhere = called("status", "-A", "--kubeconfig", served.kubeconfig)
    assert namespace in everywhere


def test_watching_sees_changes_as_they_come_and_ends_with_the_end(
    served: Any, dart: Said, file: Any, namespace: str
) -> None:
    dart("submit", file())
    place = reach(namespace, None, str(served.kubeconfig))
    seen = follow(place, "hard", lost=lambda error: None)
    assert "status" not in next(seen)[namespace, "hard"]
    written(served, namespace, "hard", {"phase": "Failed", "observedGeneration": 1})
    assert next(seen)[namespace, "hard"]["status"]["phase"] == "Failed"
    assert "hard: Failed" in dart("status", "hard", "--watch", expect=1)
    written(served, namespace, "hard", {"phase": "Complete"})
    assert "hard: Complete" in dart("submit", file(), "--wait")


def test_suspend_and_resume(served: Any, dart: Said, file: Any) -> None:
    dart("submit", file())
    assert "is being suspended" in dart("suspend", "hard")
    assert json.loads(dart("status", "hard", "-o", "json"))["spec"]["suspend"] is True
    # What a verb set is no conflict for a file that says nothing of it.
    assert "is so already" in dart("submit", file())
    assert "goes on" in dart("resume", "hard")
    assert json.loads(dart("status", "hard", "-o", "json"))["spec"]["suspend"] is False


def worker(name: str, stage: str, *, gpus: int = 0, **annotations: str) -> dict[str, Any]:
    room = {"limits": {"nvidia.com/gpu": str(gpus)}} if gpus else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {SYNTHESIS: "hard", STAGE: stage},
            "annotations": annotations,
        },
        "spec": {"restartPolicy": "Never", "containers": [{"name": "dart", "image": "dart", "resources": room}]},
    }


def test_explain_has_the_scheduler_s_words_and_a_pod_s_own(
    served: Any, plane: Any, dart: Said, file: Any, namespace: str
) -> None:
    dart("submit", file())
    said = encode(Finding(reason="QueriesUnreadable", message="Row 3 has no answer.", remedy="Mend row 3."))
    served.apply(worker("hard-sampler-1-a", "sampler", gpus=900), namespace)
    served.apply(worker("hard-prepare-1-a", "prepare", **{EXIT_CODE: "64", MESSAGE: said}), namespace)
    unplaced = condition("Progressing", "Unschedulable", "No node takes the pods.")
    written(served, namespace, "hard", {"phase": "Sampling", "observedGeneration": 1, "conditions": [unplaced]})

    def told() -> str:
        out = dart("explain", "hard")
        return out if "Insufficient nvidia.com/gpu" in out and "Row 3 has no answer." in out else ""

    out = plane.eventually(told, "the scheduler and the pod to say why")
    assert "1. Unschedulable" in out and "What to do: Mend row 3." in out
    causes = json.loads(dart("explain", "hard", "-o", "json"))["causes"]
    assert [cause["reason"] for cause in causes] == ["Unschedulable", "QueriesUnreadable"]


def test_forecast_reads_the_run_in_the_store(served: Any, dart: Said, namespace: str, finished: FinishedRun) -> None:
    served.apply(declared("toy", output={"uri": str(finished.output)}), namespace)
    found = json.loads(dart("forecast", "toy", "--json"))
    assert found["phase"] == "closed" and "trials of this run" in found["basis"]
    assert "perQuery" in json.loads(dart("status", "toy", "--queries", "-o", "json"))


def test_dart_means_the_cluster_when_an_option_of_one_says_so(
    served: Any, dart: Said, file: Any, namespace: str
) -> None:
    dart("submit", file())
    options = ("-n", namespace, "--kubeconfig", served.kubeconfig)
    assert here("status", "hard", *options) == dart("status", "hard")
    assert json.loads(here("status", "hard", "-o", "json", *options))["kind"] == "Synthesis"
    error = refused(lambda: here("forecast", "hard.yaml", *options))
    assert "no name of a Synthesis" in error.message


def test_forecast_of_what_it_can_t_see_says_so_and_what_the_operator_knows(
    served: Any, dart: Said, namespace: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served.apply(declared(output={"uri": str(tmp_path / "of-the-pods")}), namespace)
    progress = {"queries": 8, "open": 4, "trials": 40, "wanted": 32, "expectedTrials": 90}
    written(served, namespace, "hard", {"phase": "Sampling", "progress": progress})
    out = io.StringIO()
    with redirect_stdout(out):
        error = refused(
            lambda: typer.main.get_command(kubectl).main(
                ["forecast", "hard", "-n", namespace, "--kubeconfig", str(served.kubeconfig)], standalone_mode=False
            )
        )
    assert "does not see" in error.message
    assert "expects about 90 trials" in out.getvalue()


def test_logs_of_pods_without_any_say_so(served: Any, plane: Any, dart: Said, file: Any, namespace: str) -> None:
    dart("submit", file())
    served.apply(worker("hard-sampler-1-a", "sampler"), namespace)
    plane.eventually(lambda: "works" in dart("explain", "hard"), "the pod to run")
    # Simulated nodes have no kubelet to ask: what a user sees of a node that is away.
    assert dart("logs", "hard") == ""


@pytest.fixture
def plug_in(tmp_path: Path) -> Path:
    path = tmp_path / "kubectl-dart"
    path.write_text(f"#!{sys.executable}\nfrom dart_k8s.cli.main import entry\nentry()\n")
    path.chmod(0o755)
    return path


def test_as_kubectl_s_plug_in_a_name_means_the_cluster(
    served: Any, dart: Said, file: Any, plug_in: Path, namespace: str
) -> None:
    dart("submit", file())
    command = [str(plug_in), "status", "hard", "-n", namespace, "--kubeconfig", str(served.kubeconfig)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"{namespace}/hard (uniform): Pending"), done.stderr
    done = subprocess.run([*command[:2], "hard.yaml", *command[3:]], capture_output=True, text=True, check=False)
    assert done.returncode == EXIT_SPEC and "dart status FILE" in done.stderr
