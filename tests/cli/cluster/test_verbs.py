"""The verbs on a cluster in memory: what they do to it and what they say."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from rich.console import Console

from dart_k8s.cli.cluster import explain, status
from dart_k8s.cli.cluster.logs import show as show_logs
from dart_k8s.cli.cluster.reaching import Reach, find, in_words
from dart_k8s.cli.cluster.submit import Submission, apply, check_together, checked
from dart_k8s.cli.cluster.suspend import change
from dart_k8s.edges.cluster import MemoryCluster
from dart_k8s.edges.cluster.resources import SYNTHESES, TRAININGS
from dart_k8s.edges.store import open_store
from dart_k8s.errors import ClusterError, ClusterUnavailable, Forbidden, ObjectNotFound, SpecError

from .objects import condition, declared, memory, pod, synthesis, unplaced


def cluster_of(place: Reach) -> MemoryCluster:
    assert isinstance(place.cluster, MemoryCluster)
    return place.cluster


def paper() -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, width=200, highlight=False), text


def submission(tmp_path: Path, **fields: Any) -> Submission:
    file = tmp_path / "one.yaml"
    file.write_text(yaml.safe_dump(declared(**fields)))
    [found] = checked(str(file))
    return found


# -- submit


def test_submitting_creates_with_what_the_user_wrote_and_no_defaults(tmp_path: Path):
    place = memory()
    assert apply(place, submission(tmp_path)) == "Synthesis a/hard created."
    assert find(place, "hard")["spec"] == declared()["spec"]


def test_submitting_again_shows_what_changed_and_what_is_so_already(tmp_path: Path):
    place = memory()
    apply(place, submission(tmp_path))
    assert apply(place, submission(tmp_path)) == "Synthesis a/hard is so already."
    said = apply(place, submission(tmp_path, samplers={"replicas": 8}))
    assert said == "Synthesis a/hard changed:\n  spec.samplers.replicas: 4 -> 8"


def test_a_rehearsal_changes_nothing(tmp_path: Path):
    place = memory()
    assert "would be created (dry run" in apply(place, submission(tmp_path), dry_run=True)
    with pytest.raises(SpecError):
        find(place, "hard")


def test_what_others_set_since_is_shown_and_only_force_takes_it_back(tmp_path: Path):
    place = memory()
    apply(place, submission(tmp_path))
    cluster_of(place).manager = "autoscaler"
    theirs = {"apiVersion": "dart-k8s.io/v1alpha1", "kind": "Synthesis", "spec": {"samplers": {"replicas": 9}}}
    place.cluster.apply(SYNTHESES, "a", "hard", theirs)
    cluster_of(place).manager = "dart-cli"
    with pytest.raises(SpecError) as caught:
        apply(place, submission(tmp_path))
    assert "spec.samplers.replicas: 9 -> 4" in str(caught.value) and "--force-conflicts" in caught.value.remedy
    assert "9 -> 4" in apply(place, submission(tmp_path), force=True)


def test_a_file_of_this_machine_is_refused_before_anything_is_applied(tmp_path: Path):
    place = memory()
    with pytest.raises(SpecError) as caught:
        check_together([submission(tmp_path, queries=[{"name": "q", "uri": "q.jsonl"}])], place)
    assert "configMap" in caught.value.remedy
    assert not cluster_of(place).requests


def test_the_same_name_twice_is_refused(tmp_path: Path):
    place, one = memory(), submission(tmp_path)
    with pytest.raises(SpecError, match="declared twice"):
        check_together([one, one], place)


# -- suspend, resume


def test_suspending_and_resuming_set_the_field_and_say_what_follows():
    place = memory(synthesis(status={"phase": "Sampling"}))
    console, text = paper()
    change(place, ["hard"], suspended=True, console=console)
    assert find(place, "hard")["spec"]["suspend"] is True
    change(place, ["hard"], suspended=True, console=console)
    change(place, ["hard"], suspended=False, console=console)
    assert find(place, "hard")["spec"]["suspend"] is False
    first, second, third = text.getvalue().splitlines()
    assert "dart resume hard" in first and "already" in second and "goes on" in third


def test_a_finished_one_is_left_as_it_is():
    place = memory(synthesis(status={"phase": "Complete"}))
    console, text = paper()
    change(place, ["hard"], suspended=True, console=console)
    assert "is Complete" in text.getvalue() and not find(place, "hard")["spec"].get("suspend")


def test_nothing_is_changed_if_one_of_the_names_is_not_there():
    place = memory(synthesis())
    with pytest.raises(SpecError):
        change(place, ["hard", "harder"], suspended=True, console=paper()[0])
    assert not find(place, "hard")["spec"].get("suspend")


# -- status, explain


def shown(place: Reach, name: str | None = None, **options: Any) -> str:
    console, text = paper()
    asked = {"form": None, "queries": False, "watching": False} | options
    status.show(place, name, console=console, **asked)
    return text.getvalue()


def test_all_of_a_namespace_are_a_table_and_all_namespaces_name_theirs():
    place = memory(synthesis("one", status={"phase": "Sampling"}), synthesis("two"))
    head, one, two = shown(place).splitlines()
    assert head.split()[:2] == ["NAME", "PHASE"] and one.split()[:2] == ["one", "Sampling"] and two.startswith("two")
    everywhere = Reach(cluster=place.cluster, namespace=None, context="here")
    assert shown(everywhere).splitlines()[1].split()[:2] == ["a", "one"]


def test_an_empty_namespace_says_where_it_looked():
    assert shown(memory()) == "No Synthesis in namespace 'a' of the cluster of context 'here'.\n"


@pytest.mark.parametrize("name", ["one", None])
def test_scripts_get_the_objects_themselves(name: str | None, capsys: pytest.CaptureFixture[str]):
    shown(memory(synthesis("one")), name, form="json")
    found = json.loads(capsys.readouterr().out)
    assert (found if name else found["items"][0])["metadata"]["name"] == "one"
    shown(memory(synthesis("one")), name, form="yaml")
    assert yaml.safe_load(capsys.readouterr().out)["kind"] == ("Synthesis" if name else "List")


@pytest.mark.parametrize(("phase", "code"), [("Complete", 0), ("Failed", 1)])
def test_watching_ends_with_the_end_and_its_exit_code(phase: str, code: int):
    place = memory(synthesis(status={"phase": "Sampling", "observedGeneration": 1}))
    cluster = cluster_of(place)

    def finish(verb: str, *_: Any) -> None:
        if verb == "watch":
            cluster.before = None
            cluster.patch(SYNTHESES, "a", "hard", {"status": {"phase": phase}}, subresource="status")

    cluster.before = finish
    console, text = paper()
    with pytest.raises(typer.Exit) as caught:
        status.watch(place, "hard", console)
    assert caught.value.exit_code == code
    assert [line.split()[1].strip(",.") for line in text.getvalue().splitlines()] == ["Sampling", phase]


def test_watching_one_that_is_deleted_ends_in_words():
    place = memory(synthesis(status={"phase": "Sampling"}))
    cluster = cluster_of(place)

    def delete(verb: str, *_: Any) -> None:
        if verb == "watch":
            cluster.before = None
            cluster.delete(SYNTHESES, "a", "hard")

    cluster.before = delete
    with pytest.raises(SpecError, match="deleted"):
        status.watch(place, "hard", paper()[0])


def test_explaining_reads_pods_and_goes_on_where_it_may_not():
    place = memory(
        synthesis(status={"phase": "Waiting", "conditions": [condition("Progressing", "Unschedulable")]}),
        unplaced("p-1"),
    )
    cluster = cluster_of(place)

    def forbid(verb: str, resource: Any, *_: Any) -> None:
        if resource.plural == "events":
            raise Forbidden("Cannot list events.")

    cluster.before = forbid
    console, text = paper()
    explain.show(place, "hard", form=None, console=console)
    assert "Insufficient nvidia.com/gpu" in text.getvalue() and "You may not read events" in text.getvalue()


# -- what is not there


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("hadr", "Did you mean hard?"), ("other", "There is one in namespace b"), ("zzzz", "There are: hard")],
)
def test_a_name_that_is_not_there_has_near_ones(name: str, remedy: str):
    place = memory(synthesis(), synthesis("other", about={"namespace": "b"}))
    with pytest.raises(SpecError) as caught:
        find(place, name)
    assert f"'{name}' in namespace 'a' of the cluster of context 'here'" in caught.value.message
    assert remedy in caught.value.remedy


def test_a_cluster_without_the_kinds_says_how_to_install_them():
    place = memory()

    def absent(verb: str, resource: Any, *_: Any) -> None:
        raise ObjectNotFound("404")

    cluster_of(place).before = absent
    for act in (lambda: find(place, "hard"), lambda: shown(place)):
        with pytest.raises(ClusterError) as caught:
            act()
        assert "no kind Synthesis" in caught.value.message and "dart crds" in caught.value.remedy


@pytest.mark.parametrize("error", [ClusterUnavailable("No answer."), Forbidden("No right.")])
def test_errors_name_the_context_and_the_way_out(error: ClusterError):
    place = memory()
    with pytest.raises(type(error)) as caught, in_words(place):
        raise error
    assert "context 'here'" in caught.value.message and "--" in caught.value.remedy


def test_a_file_is_no_name():
    with pytest.raises(SpecError, match="no name of a Synthesis"):
        find(memory(), "one.yaml")


# -- logs


def logged(place: Reach, **options: Any) -> tuple[list[str], list[str]]:
    out: list[str] = []
    notes: list[str] = []
    asked = {"stage": None, "pod": None, "follow": False, "tail": 0, "from_store": False} | options
    show_logs(place, "hard", out=out.append, say=notes.append, **asked)
    return out, notes


def test_logs_of_several_pods_carry_their_names_and_a_stage_chooses():
    place = memory(synthesis(), pod("p-1"), pod("p-2", "prepare"))
    cluster_of(place).texts = {("a", "p-1"): [b"one", b"two"], ("a", "p-2"): [b"three"]}
    assert logged(place)[0] == ["[p-1] one", "[p-1] two", "[p-2] three"]
    assert logged(place, stage="sampler", tail=1)[0] == ["two"]


def test_pods_that_have_not_begun_have_no_log_and_one_without_is_said():
    place = memory(synthesis(), unplaced("p-0"), pod("p-1"))
    out, notes = logged(place)
    assert out == [] and "[p-1] has no log" in notes[0]


def test_followed_logs_end_when_the_run_has():
    place = memory(synthesis(status={"phase": "Complete"}), pod("p-1"), pod("p-2"))
    cluster_of(place).texts = {("a", "p-1"): [b"one"], ("a", "p-2"): [b"two"]}
    assert sorted(logged(place, follow=True)[0]) == ["[p-1] one", "[p-2] two"]


@pytest.mark.parametrize("gone", [True, False])
def test_logs_come_from_the_store_once_the_pods_are_gone_or_if_asked(tmp_path: Path, gone: bool):
    store = open_store(str(tmp_path))
    for key, text in {
        "hard-sampler-1-a-00000000/000000.jsonl": "1\n2\n",
        "hard-sampler-1-a-00000000/000001.jsonl": "3\n4\n",
        "hard-prepare-1-b-00000000/000000.jsonl": "5\n",
    }.items():
        store.put(f"state/logs/{key}", text.encode())
    place = memory(synthesis(output={"uri": str(tmp_path)}), *(() if gone else (pod("p-1"),)))
    out, notes = logged(place, from_store=not gone)
    assert out == ["[hard-prepare-1-b-00000000] 5", *(f"[hard-sampler-1-a-00000000] {n}" for n in range(1, 5))]
    assert bool(notes) == gone
    assert logged(place, stage="sampler", tail=3, from_store=True)[0] == ["2", "3", "4"]
    assert logged(place, pod="hard-prepare-1-b", from_store=True)[0] == ["5"]


def test_a_store_without_logs_says_where_it_looked(tmp_path: Path):
    place = memory(synthesis(output={"uri": str(tmp_path)}))
    with pytest.raises(SpecError, match="state/logs"):
        logged(place)


# -- other kinds


def test_a_training_is_named_with_its_kind_and_shown_explained_suspended_and_resumed():
    place = memory()
    spec = {"data": {"uri": "s3://b/rows"}, "model": {"uri": "hf://o/base"}, "output": {"uri": "s3://b/t"}}
    made = {"apiVersion": "dart-k8s.io/v1alpha1", "kind": "Training", "metadata": {"name": "t"}, "spec": spec}
    place.cluster.create(TRAININGS, "a", made)
    told = {
        "phase": "Training", "message": "Step 3 of 12.", "judged": 2, "restarts": 1, "disruptions": 1, "attempt": 3,
        "progress": {"step": 3, "steps": 12, "summary": "25%", "loss": 1.5, "rows": 100}, "checkpoint": {"step": 2},
        "trainers": {"replicas": 2, "ready": 1}, "observedGeneration": 1,
        "conditions": [condition("Ready", "WaitingForReference", "Synthesis s does not exist.")],
    }  # fmt: skip
    place.cluster.patch(TRAININGS, "a", "t", {"status": told}, subresource="status")
    console, text = paper()
    status.show(place, "training/t", form=None, queries=False, watching=False, console=console)
    for words in (
        "a/t (Training): Training, 25%",
        "step 3 of 12, loss 1.5",
        "trainers 1/2 run, attempt 3",
        "1 restart",
    ):
        assert words in text.getvalue()
    explain.show(place, "trainings/t", form=None, console=console)
    assert "WaitingForReference" in text.getvalue() and "Synthesis s does not exist." in text.getvalue()
    change(place, ["dtrain/t"], suspended=True, console=console)
    assert find(place, "training/t")["spec"]["suspend"] is True and "Training 't' is being suspended" in text.getvalue()
    change(place, ["training/t"], suspended=False, console=console)
    assert find(place, "training/t")["spec"]["suspend"] is False
    with pytest.raises(SpecError, match="There is no Evaluation 't'"):
        find(place, "evaluation/t")
