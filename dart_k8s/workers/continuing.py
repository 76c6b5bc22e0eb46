"""Whether a declaration may go on with an output that was begun: its own, and changed only where it may be."""

from dart_k8s.api import Declaration, changes, to_dict
from dart_k8s.edges.store import Store
from dart_k8s.errors import OutputOwned, SpecChanged


def changed(store: Store, old: Declaration, new: Declaration, *, other: str = "use another output") -> bool:
    """Whether anything that counts differs. `other`: what else one can do, for the way out.

    Raises OutputOwned if the output was begun under another name, and SpecChanged that shows what differs where it may
    not.
    """
    shown = f"{new.kind} '{new.metadata.name}'"
    if (old.metadata.name, old.metadata.namespace) != (new.metadata.name, new.metadata.namespace):
        raise OutputOwned(
            f"Cannot run {shown} in {store.uri}: the output belongs to {old.kind} '{old.metadata.name}'.",
            remedy="Give it an output of its own, or delete the old one.",
        )
    differing = changes(to_dict(old)["spec"], to_dict(new)["spec"], kind=new.kind)
    refused = [change for change in differing if not change.allowed]
    if refused:
        lines = "".join(f"\n  {change.text()}" for change in refused)
        raise SpecChanged(
            f"Cannot go on with {shown} in {store.uri}: the declaration changed where it may not:{lines}\n",
            remedy=f"Undo that, or {other}.",
        )
    return bool(differing)


__all__ = ["changed"]
