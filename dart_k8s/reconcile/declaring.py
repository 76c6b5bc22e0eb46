"""Policy: what pods read, and what keeps an object that is deleted until its output is."""

from dart_k8s.names import declaration_name

from . import digests
from .decision import Action, ApplyDeclaration, SetFinalizer
from .references import resolved
from .view import View


def declare(view: View) -> tuple[Action, ...]:
    """The declaration that pods read, where it is not as it should be. One that refers to what is not there any more
    stays as it was made."""
    item = resolved(view.facts)
    if item is None:
        return ()
    name = declaration_name(view.wishes.name, view.kind)
    wanted = digests.declaration(item, view.settings)
    for child in view.facts.children:
        ours = child.kind == "ConfigMap" and child.name == name and child.owner == view.wishes.uid
        if ours and not child.deleting and child.digest == wanted:
            return ()
    return (ApplyDeclaration(),)


def finalize(view: View) -> tuple[Action, ...]:
    """The finalizer, as the deletion policy has it; from before there is something to clean up."""
    wanted = view.wishes.delete_output and view.deleting_since is None
    return (SetFinalizer(present=wanted),) if wanted != view.finalized else ()


__all__ = ["declare", "finalize"]
