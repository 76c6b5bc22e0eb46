"""`kubectl dart forecast`: what a Synthesis of a cluster will still cost and bring."""

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from dart_k8s.api import Synthesis, load_one, write
from dart_k8s.cli.screen import CACHE, wide_console
from dart_k8s.edges.cluster import Object
from dart_k8s.edges.store import open_store
from dart_k8s.errors import DartError, SpecError
from dart_k8s.workers import record

from .reaching import ContextOption, KubeconfigOption, NameArgument, NamespaceOption, Reach, find, in_words, reach
from .stored import from_here, missing, uri_of

if TYPE_CHECKING:
    from dart_k8s.workers.outlook import Asked, Outlook

__all__ = ["declared", "forecast", "in_cluster", "outlook"]


def forecast(
    name: NameArgument,
    token_rate: Annotated[
        float | None, typer.Option(help="Tokens a second of one GPU, for GPU-hours.", min=0.001)
    ] = None,
    tokens: Annotated[
        float | None, typer.Option(help="Mean tokens of a response, if no trial has told yet.", min=0.001)
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(help="Output or query-info file of other queries of the same kind under the same model."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulation.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="JSON.")] = False,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Forecast trials, tokens, GPU-hours, rows and covered queries of a Synthesis in the cluster, with 90 % intervals.

    Reads its declaration from the cluster and its state from the store, with this machine's credentials.
    """
    from dart_k8s.workers.outlook import Asked

    place = reach(namespace, context, kubeconfig)
    asked = Asked(tokens_per_trial=tokens, tokens_per_second=token_rate, like=like, seed=seed)
    with in_words(place):
        found = in_cluster(place, name, asked, None if as_json else wide_console())
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=2))
        return
    from dart_k8s.cli.forecast import show

    show(wide_console(), found)


def in_cluster(place: Reach, name: str, asked: "Asked", console: Console | None) -> "Outlook":
    """The forecast of one by its name; if that can't be had, the console gets what the operator knows."""
    item = find(place, name)
    try:
        return outlook(item, asked)
    except DartError:
        if console is not None:
            _at_least(item, console)
        raise


def outlook(item: Object, asked: "Asked") -> "Outlook":
    """From its run's state, or before there is one from its queries."""
    from dart_k8s.workers.outlook import of_declaration, of_output
    from dart_k8s.workers.prepare import Prepare

    uri = uri_of(item)
    with from_here(item, "the state"):
        if record.read(open_store(uri)) is not None:
            return of_output(uri, asked)
        if (item.get("status") or {}).get("progress"):
            raise missing(item, "the state")
        synthesis = declared(item)
        if any(source.config_map for source in synthesis.spec.queries):
            raise SpecError(
                f"Cannot forecast Synthesis '{synthesis.metadata.name}' before it is prepared: its queries are in a "
                "ConfigMap, which only the prepare pod reads.",
                remedy="Wait until Prepared is True (`dart status`), or forecast a declaration with a file instead.",
            )
        return of_declaration(synthesis, Prepare(cache=CACHE), asked)


def declared(item: Object) -> Synthesis:
    """The declaration in an object of the cluster."""
    about = {key: item["metadata"][key] for key in ("name", "namespace")}
    text = write({key: item[key] for key in ("apiVersion", "kind")} | {"metadata": about, "spec": item["spec"]})
    return load_one(text, f"Synthesis {about['namespace']}/{about['name']} of the cluster")


def _at_least(item: Object, console: Console) -> None:
    """What the operator knows, where the store can't be read from here."""
    progress = (item.get("status") or {}).get("progress") or {}
    if progress.get("expectedTrials"):
        console.print(
            f"The operator expects about {progress['expectedTrials']} trials in all, {progress.get('trials', 0)} are "
            f"made, for {progress.get('wanted', 0)} rows.",
            markup=False,
            soft_wrap=True,
        )
