"""`kubectl dart submit`: declarations into a cluster, checked before, with what changed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console

from dart_k8s.api import Declaration, Synthesis, changes, load_documents
from dart_k8s.api.text import read
from dart_k8s.cli.reading import text_of
from dart_k8s.cli.screen import wide_console
from dart_k8s.edges.cluster import Object, Resource
from dart_k8s.edges.cluster.resources import RESOURCES
from dart_k8s.errors import ClusterError, ObjectConflict, ObjectNotFound, ObjectRefused, SpecError

from .local_paths import local_paths, refusal
from .reaching import ContextOption, KubeconfigOption, NamespaceOption, Reach, in_words, reach, unknown_kind
from .status import watch

__all__ = ["Submission", "apply", "check_together", "checked", "submit", "told"]


class Submission(NamedTuple):
    """A declaration and the document that it was read from: what a user wrote is what is applied, without defaults, so
    that the API server fills them in and others may set what the file does not."""

    declaration: Declaration
    document: Mapping[str, Any]

    @property
    def resource(self) -> Resource:
        """Where its kind's API is."""
        return RESOURCES[self.declaration.api_version, self.declaration.kind]

    def namespace(self, place: Reach) -> str:
        """The declaration's own, else the one that the command means."""
        return self.declaration.metadata.namespace or str(place.namespace)

    def shown(self, place: Reach) -> str:
        """For people."""
        return f"{self.declaration.kind} {self.namespace(place)}/{self.declaration.metadata.name}"


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
    """Create or change objects in the cluster as declaration files say, by server-side apply; show what changed.

    All files are checked as by `dart validate` before the first is applied. Exit code 64: the declaration is at fault.
    """
    submissions = [one for file in files for one in checked(file)]
    place = reach(namespace, context, kubeconfig)
    check_together(submissions, place)
    console = wide_console()
    with in_words(place):
        for submission in submissions:
            console.print(apply(place, submission, dry_run=dry_run, force=force), markup=False, soft_wrap=True)
        if wait and not dry_run:
            _wait(place, [one for one in submissions if isinstance(one.declaration, Synthesis)], console)


def checked(file: str) -> list[Submission]:
    """The declarations of a file. SpecError with everything that is wrong with it."""
    text, origin = text_of(file)
    documents = load_documents(text, origin)
    return [Submission(one, raw.value) for one, raw in zip(documents, read(text), strict=True)]


def check_together(submissions: Sequence[Submission], place: Reach) -> None:
    """SpecError: one that is declared twice, or needs files of this machine."""
    seen: set[str] = set()
    for one in submissions:
        shown = one.shown(place)
        if shown in seen:
            raise SpecError(f"{shown} is declared twice.", remedy="Rename one of the two.")
        seen.add(shown)
        if isinstance(one.declaration, Synthesis) and (found := local_paths(one.declaration)):
            message, remedy = refusal(one.declaration, found, one.namespace(place))
            raise SpecError(message, remedy=remedy)


def apply(place: Reach, one: Submission, *, dry_run: bool = False, force: bool = False) -> str:
    """Create or change one; what happened, as text. SpecError for what the API server finds wrong with it."""
    applying = _Applying(place, one, dry_run)
    try:
        before = applying.live()
        try:
            after = applying.now(force=force)
        except ObjectConflict as error:
            after = applying.said_again(before, error)
    except ObjectRefused as error:
        faults = error.message.partition(": ")[2]
        raise SpecError(f"The API server refuses {one.shown(place)}: {faults}", remedy=error.remedy) from error
    except ObjectNotFound as error:
        raise applying.nowhere(error) from error
    return told(one.shown(place), before, after, dry_run=dry_run)


class _Applying:
    """One declaration on its way into the cluster."""

    def __init__(self, place: Reach, one: Submission, dry_run: bool) -> None:
        self._place, self._one, self._dry_run = place, one, dry_run
        self._space, self._name = one.namespace(place), one.declaration.metadata.name
        about = {key: item for key, item in one.declaration.metadata.plain().items() if key != "namespace"}
        self._manifest = {key: item for key, item in one.document.items() if key != "status"} | {"metadata": about}

    def live(self) -> Object | None:
        """As it is in the cluster."""
        try:
            return self._place.cluster.get(self._one.resource, self._space, self._name)
        except ObjectNotFound:
            return None

    def now(self, *, force: bool, dry_run: bool = False) -> Object:
        """Apply."""
        return self._place.cluster.apply(
            self._one.resource,
            self._space,
            self._name,
            self._manifest,
            dry_run=dry_run or self._dry_run,
            force=force,
        )

    def said_again(self, before: Object | None, error: ObjectConflict) -> Object:
        """Apply by force if that changes nothing: the API server calls it a conflict as well if a list that another
        manager set is the same but for the defaults that were filled in. Else SpecError with both values."""
        by_force = self.now(force=True, dry_run=True)
        differ = changes(before["spec"], by_force["spec"]) if before else []
        if not differ:
            return self.now(force=True)
        lines = "".join(f"\n  {change.text()}" for change in differ)
        who = ", ".join(dict.fromkeys(_MANAGER.findall(error.message))) or "somebody else"
        raise SpecError(
            f"{self._one.shown(self._place)} has values that {who} set, and the file says otherwise:{lines}\n",
            remedy="Write their values into the file or leave the fields out of it, or set yours: --force-conflicts.",
        ) from error

    def nowhere(self, error: ObjectNotFound) -> ClusterError | SpecError:
        """Which of the kind and the namespace is not there."""
        try:
            self._place.cluster.list(self._one.resource, self._space, limit=1)
        except ObjectNotFound:
            return unknown_kind(self._place, self._one.declaration.kind)
        if "namespaces" not in error.message:
            return error
        return SpecError(
            f"There is no namespace '{self._space}' in {self._place.where}.",
            remedy=f"Make it (kubectl create namespace {self._space}), or name another one by --namespace.",
        )


_MANAGER = re.compile(r'conflicts? with "([^"]+)"')


def told(shown: str, before: Object | None, after: Object, *, dry_run: bool) -> str:
    """What an apply did, as text."""
    rehearsed = " (dry run: nothing was changed)" if dry_run else ""
    if before is None:
        return f"{shown} {'would be created' if dry_run else 'created'}{rehearsed}."
    lines = [f"  {change.text()}" for change in changes(before["spec"], after["spec"])]
    parts = ("labels", "annotations")
    lines += [f"  metadata.{part}" for part in parts if before["metadata"].get(part) != after["metadata"].get(part)]
    if not lines:
        return f"{shown} is so already{rehearsed}."
    return "\n".join([f"{shown} {'would be changed' if dry_run else 'changed'}{rehearsed}:", *lines])


def _wait(place: Reach, submissions: Sequence[Submission], console: Console) -> None:
    for one in submissions:
        there = replace(place, namespace=one.namespace(place))
        try:
            watch(there, one.declaration.metadata.name, console)
        except typer.Exit as end:
            if end.exit_code:
                raise
