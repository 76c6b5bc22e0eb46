"""The verbs of the `dart` command and of its twin `kubectl dart`, one module each."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from dart_k8s import __version__

from . import (
    analyze,
    benchmarks,
    compare,
    crds,
    curate,
    forecast,
    operator,
    push,
    recipes,
    rescore,
    reverify,
    run,
    status,
    tune,
    validate,
    verifier,
    verify,
)
from .cluster import explain, logs, rehearse, submit, suspend
from .cluster import forecast as forecast_in_cluster
from .cluster import status as status_in_cluster
from .sections import Sections

Verbs = Sequence[tuple[str, Callable[..., Any] | typer.Typer]]

HERE = "On this machine"
CLUSTER = "In a cluster"
FILES = "Data sets, responses, settings"

RUNS: Verbs = (
    ("run", run.run),
    ("validate", validate.validate),
    ("tune", tune.tune),
    ("curate", curate.curate),
    ("reverify", reverify.reverify),
    ("rescore", rescore.rescore),
)
BOTH: Verbs = (("status", status.status), ("forecast", forecast.forecast))
"""Words that both have: here about a file or an output."""
BOTH_IN_CLUSTER: Verbs = (("status", status_in_cluster.status), ("forecast", forecast_in_cluster.forecast))
"""The same words about a name in the cluster: what `kubectl dart` takes them for."""
OBJECTS: Verbs = (
    ("submit", submit.submit),
    ("explain", explain.explain),
    ("logs", logs.logs),
    ("suspend", suspend.suspend),
    ("resume", suspend.resume),
)
INSTALLING: Verbs = (("crds", crds.crds), ("operator", operator.operator), ("rehearse", rehearse.rehearse))
OTHERS: Verbs = (
    ("analyze", analyze.analyze),
    ("compare", compare.compare),
    ("push", push.push),
    ("verify", verify.verify),
    ("verifier", verifier.app),
    ("recipes", recipes.app),
    ("benchmarks", benchmarks.app),
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dart {__version__}")
        raise typer.Exit


def _root(
    # A callback of the option: the group's own runs only when there is a verb.
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and leave.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Options that go before the verb."""


def _app(name: str, says: str, sections: Sequence[tuple[str, Verbs]]) -> typer.Typer:
    made = typer.Typer(
        name=name,
        cls=Sections,
        help=says,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=True,
        rich_markup_mode=None,
    )
    made.callback()(_root)
    for heading, verbs in sections:
        for word, verb in verbs:
            if isinstance(verb, typer.Typer):
                made.add_typer(verb, name=word, rich_help_panel=heading)
            else:
                made.command(word, rich_help_panel=heading)(verb)
    return made


PURPOSE = "Difficulty-aware rejection tuning: from problems to a verified, difficulty-balanced data set."

app = _app(
    "dart",
    PURPOSE,
    (
        (HERE, (*RUNS, *BOTH)),
        (f"{CLUSTER} (kubectl dart has status and forecast, too)", (*OBJECTS, *INSTALLING)),
        (FILES, OTHERS),
    ),
)
kubectl = _app(
    "kubectl dart",
    f"{PURPOSE} Names are those of Syntheses in the cluster; to delete one: kubectl delete synthesis NAME.",
    (
        (CLUSTER, (*OBJECTS[:1], *BOTH_IN_CLUSTER, *OBJECTS[1:], *INSTALLING)),
        (f"{HERE} (dart status and dart forecast are about files)", RUNS),
        (FILES, OTHERS),
    ),
)
