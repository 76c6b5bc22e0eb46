"""`kubectl dart suspend` and `kubectl dart resume`."""

from typing import Annotated

import typer
from rich.console import Console

from .reaching import ContextOption, KubeconfigOption, NamespaceOption, Reach, find, in_words, named, reach
from .standing import ENDED, phase

__all__ = ["change", "resume", "suspend"]

SEVERAL = "Names of Syntheses in the cluster, training/NAME or evaluation/NAME."
NamesArgument = Annotated[list[str], typer.Argument(help=SEVERAL)]


def suspend(
    names: NamesArgument,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """End the pods of objects and give their GPUs back; nothing that was written is lost."""
    place = reach(namespace, context, kubeconfig)
    with in_words(place):
        change(place, names, suspended=True, console=Console(highlight=False))


def resume(
    names: NamesArgument,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Let suspended objects go on where they stopped."""
    place = reach(namespace, context, kubeconfig)
    with in_words(place):
        change(place, names, suspended=False, console=Console(highlight=False))


def change(place: Reach, names: list[str], *, suspended: bool, console: Console) -> None:
    """Set spec.suspend of all of them; all are looked up before the first is changed."""
    found = {name: find(place, name) for name in names}
    for name, item in found.items():
        resource, plain = named(name)
        shown = f"{resource.kind} '{plain}'"
        if bool(item["spec"].get("suspend")) == suspended:
            says = "is suspended already" if suspended else "is not suspended"
        elif suspended and phase(item) in ENDED:
            says = f"is {phase(item)}: it holds no pods, and was left as it is"
        else:
            place.cluster.patch(resource, str(place.namespace), plain, {"spec": {"suspend": suspended}})
            says = f"goes on: `dart explain {name}` tells if something stands in its way"
            if suspended:
                says = f"is being suspended: its pods write what they have and end; `dart resume {name}` goes on"
        console.print(f"{shown} {says}.", markup=False, soft_wrap=True)
