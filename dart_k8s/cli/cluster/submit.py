"""`kubectl dart submit`: declarations into a cluster, checked before, with what changed."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console

from dart_k8s.api import Synthesis, changes, load_documents
from dart_k8s.api.text import read
from dart_k8s.cli.reading import text_of
from dart_k8s.cli.screen import wide_console
from dart_k8s.edges.cluster import Object
from dart_k8s.edges.cluster.resources import SYNTHESES
from dart_k8s.errors import ClusterError, ObjectConflict, ObjectNotFound, ObjectRefused, SpecError

from .local_paths import local_paths, refusal
from .reaching import ContextOption, KubeconfigOption, NamespaceOption, Reach, every, in_words, reach, unknown_kind
from .status import watch

__all__ = ["Submission", "apply", "checked", "submit"]


class Submission(NamedTuple):
    """A declaration and the document that it was read from: what a user wrote is what is applied, without defaults, so
    that the API server fills them in and others may set what the file does not."""

    synthesis: Synthesis
    document: Mapping[str, Any]


def submit(
    files: Annotated[list[str], typer.Argument(help="Declaration files; - reads standard input.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Let the API server check it, and change nothing.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Show every change until all are Complete (exit code 0) or one Failed (1).")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force-conflicts", help="Also set fields that somebody else has set since.")
    ] = False,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Create or change Syntheses in the cluster as declaration files say, by server-side apply; show what changed.

    All files are checked as by `dart validate` before the first is applied. Exit code 64: the declaration is at fault.
    """
    submissions = [one for file in files for one in checked(file)]
    place = reach(namespace, context, kubeconfig)
    _check_together(submissions, place)
    console = wide_console()
    with in_words(place):
        for submission in submissions:
            console.print(apply(place, submission, dry_run=dry_run, force=force), markup=False, soft_wrap=True)
        if wait and not dry_run:
            _wait(place, submissions, console)


def checked(file: str) -> list[Submission]:
    """The declarations of a file. SpecError with everything that is wrong with it."""
    text, origin = text_of(file)
    documents = load_documents(text, origin)
    return [Submission(one, raw.value) for one, raw in zip(documents, read(text), strict=True)]


def _check_together(submissions: Sequence[Submission], place: Reach) -> None:
    seen: set[tuple[str, str]] = set()
    for synthesis, _ in submissions:
        space = _namespace(synthesis, place)
        key = (space, synthesis.metadata.name)
        if key in seen:
            raise SpecError(f"Synthesis {space}/{key[1]} is declared twice.", remedy="Rename one of the two.")
        seen.add(key)
        if found := local_paths(synthesis):
            message, remedy = refusal(synthesis, found, space)
            raise SpecError(message, remedy=remedy)


def _namespace(synthesis: Synthesis, place: Reach) -> str:
    """The declaration's own, else the one that the command means."""
    return synthesis.metadata.namespace or str(place.namespace)


def apply(place: Reach, submission: Submission, *, dry_run: bool = False, force: bool = False) -> str:
    """Create or change one; what happened, as text. SpecError for what the API server finds wrong with it."""
    synthesis, document = submission
    name, space = synthesis.metadata.name, _namespace(synthesis, place)
    manifest = {key: item for key, item in document.items() if key != "status"}
    manifest["metadata"] = {key: item for key, item in synthesis.metadata.plain().items() if key != "namespace"}
    try:
        before = _live(place, space, name)
        try:
            after = _apply(place, space, name, manifest, dry_run=dry_run, force=force)
        except ObjectConflict as error:
            after = _only_said_again(place, space, name, manifest, before, error, dry_run=dry_run)
    except ObjectRefused as error:
        _, _, faults = error.message.partition(": ")
        raise SpecError(f"The API server refuses Synthesis {space}/{name}: {faults}", remedy=error.remedy) from error
    except ObjectNotFound as error:
        raise _nowhere(place, space, error) from error
    return told(before, after, dry_run=dry_run)


def told(before: Object | None, after: Object, *, dry_run: bool) -> str:
    """What an apply did."""
    shown = f"Synthesis {after['metadata']['namespace']}/{after['metadata']['name']}"
    rehearsed = " (dry run: nothing was changed)" if dry_run else ""
    if before is None:
        return f"{shown} {'would be created' if dry_run else 'created'}{rehearsed}."
    differ = changes(before["spec"], after["spec"])
    labels = any(before["metadata"].get(part) != after["metadata"].get(part) for part in ("labels", "annotations"))
    if not differ and not labels:
        return f"{shown} is so already{rehearsed}."
    lines = [f"  {change.text()}" for change in differ] + ["  labels or annotations"] * labels
    return "\n".join([f"{shown} {'would be changed' if dry_run else 'changed'}{rehearsed}:", *lines])


def _live(place: Reach, space: str, name: str) -> Object | None:
    try:
        return place.cluster.get(SYNTHESES, space, name)
    except ObjectNotFound:
        return None


def _apply(place: Reach, space: str, name: str, manifest: Object, *, dry_run: bool, force: bool) -> Object:
    return place.cluster.apply(SYNTHESES, space, name, manifest, dry_run=dry_run, force=force)


def _only_said_again(
    place: Reach,
    space: str,
    name: str,
    manifest: Object,
    before: Object | None,
    error: ObjectConflict,
    *,
    dry_run: bool,
) -> Object:
    """Apply by force if that changes nothing: the API server calls it a conflict as well if a list that another manager
    set is the same but for the defaults that were filled in. Else SpecError with what stands against what."""
    by_force = _apply(place, space, name, manifest, dry_run=True, force=True)
    differ = changes(before["spec"], by_force["spec"]) if before else []
    if not differ:
        return _apply(place, space, name, manifest, dry_run=dry_run, force=True)
    lines = "".join(f"\n  {change.text()}" for change in differ)
    who = error.message.partition("conflicts: ")[2] or error.message.partition("conflict: ")[2]
    raise SpecError(
        f"Synthesis {space}/{name} was changed by somebody else, and the file says otherwise:{lines}\n{who}".rstrip(),
        remedy="Write their values into the file or leave the fields out of it, or set yours: --force-conflicts.",
    ) from error


def _nowhere(place: Reach, space: str, error: ObjectNotFound) -> ClusterError | SpecError:
    try:
        every(place, SYNTHESES, space)
    except ObjectNotFound:
        return unknown_kind(place)
    if "namespaces" in error.message:
        return SpecError(
            f"There is no namespace '{space}' in {place.where}.",
            remedy=f"Make it (kubectl create namespace {space}), or name another one by --namespace.",
        )
    return error


def _wait(place: Reach, submissions: Sequence[Submission], console: Console) -> None:
    for synthesis, _ in submissions:
        there = Reach(cluster=place.cluster, namespace=_namespace(synthesis, place), context=place.context)
        try:
            watch(there, synthesis.metadata.name, console)
        except typer.Exit as end:
            if end.exit_code:
                raise
