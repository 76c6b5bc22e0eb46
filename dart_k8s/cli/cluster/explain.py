"""`kubectl dart explain`: why a Synthesis waits, fails or needs a look, and what to do next."""

import time
from dataclasses import asdict

import typer
from rich.console import Console

from dart_k8s.cli.screen import wide_console

from .causes import causes, report
from .observing import observe
from .reaching import (
    ContextOption,
    FormOption,
    KubeconfigOption,
    NameArgument,
    NamespaceOption,
    Reach,
    in_words,
    reach,
)
from .standing import phase
from .status import check_form, printed

__all__ = ["explain", "show"]


def explain(
    name: NameArgument,
    form: FormOption = None,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Say why a Synthesis in the cluster waits, fails or needs a look, and what to do next.

    Looks at its conditions, its Jobs and pods, the scheduler's and Kueue's words, and warnings. Changes nothing.
    """
    check_form(form)
    place = reach(namespace, context, kubeconfig)
    with in_words(place):
        show(place, name, form=form, console=wide_console())


def show(place: Reach, name: str, *, form: str | None, console: Console) -> None:
    """Print it."""
    observed, now = observe(place, name), time.time()
    if form:
        found = [asdict(cause) | {"seen": list(cause.seen)} for cause in causes(observed, now)]
        document = {"name": name, "phase": phase(observed.synthesis), "causes": found, "hidden": list(observed.hidden)}
        typer.echo(printed(document, form), nl=False)
        return
    for line in report(observed, now):
        console.print(line, markup=False, soft_wrap=True)
