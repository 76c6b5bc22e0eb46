"""prepare, curate and cleanup: the errands that end by themselves."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from dart_k8s.api import Declaration
from dart_k8s.api.passes import is_pass
from dart_k8s.edges.store import Store, open_store
from dart_k8s.errors import EXIT_CLOSED, OutputOwned, SpecError
from dart_k8s.ledger.keys import DATASET, OWNER, POOL, REPORT
from dart_k8s.reconcile.findings import Doing
from dart_k8s.training.checkpoints import CHECKPOINTS, MODEL
from dart_k8s.workers import owner
from dart_k8s.workers.local import curate as curating
from dart_k8s.workers.prepare import Prepare
from dart_k8s.workers.stopping import unless_stopped

from .errand import Errand

STATE = "state/"
FOLDERS: Mapping[str, tuple[str, ...]] = {
    "Synthesis": (DATASET, REPORT, POOL),
    "Training": (CHECKPOINTS, MODEL, REPORT),
    "Evaluation": ("passes/", POOL, REPORT),
}
"""What an object of each kind writes beside its state."""


async def prepare(errand: Errand, *, cache: Path, configmaps: Path, offline: bool, uid: str | None) -> int:
    """Check everything that needs data or credentials, fill the model cache, and write the run's first objects."""
    work = Prepare(cache=cache, offline=offline, tell=errand.tell, configmaps=configmaps, uid=uid)
    try:
        prepared = await unless_stopped(errand.stopping, partial(work.prepare, errand.synthesis))
    finally:
        errand.doing = work.doing
    errand.tell("prepared", queries=prepared.record.queries, closed=prepared.closed)
    return EXIT_CLOSED


async def curate(errand: Errand) -> int:
    """Make the data set of the closed run; of an Evaluation's pass, its pool alone."""
    # Curation brings figures and databases along.
    from dart_k8s.workers.finish import compacted, finish

    errand.doing = Doing.CURATING
    synthesis = errand.synthesis
    if is_pass(synthesis):
        seal = partial(compacted, synthesis.spec.output.uri, tell=errand.tell)
        closed = await curating(synthesis, seal, tell=errand.tell, stop=errand.stopping)
        errand.tell("compacted", queries=len(closed.queries))
        return EXIT_CLOSED
    command = f"kubectl apply of Synthesis {synthesis.metadata.name}"
    work = partial(finish, synthesis.spec.output.uri, declared=synthesis, command=command, tell=errand.tell)
    made = await curating(synthesis, work, tell=errand.tell, stop=errand.stopping)
    errand.tell("curated", rows=int(made.chosen.size))
    return EXIT_CLOSED


async def cleanup(errand: Errand, *, uid: str | None) -> int:
    """Delete what the run wrote, if the output is this object's."""
    errand.doing = Doing.CLEANING
    deleted = await unless_stopped(errand.stopping, partial(clean, errand.document, uid))
    errand.tell("cleaned", deleted=deleted)
    return EXIT_CLOSED


def clean(document: Declaration, uid: str | None, connect: Callable[[str], Store] = open_store) -> int:
    """Delete the run's folders, and what `dart curate --into` made of its pool; how many objects that were.

    The owner goes last: killed at any moment, it is done again. Nothing there, or nothing of an owner: nothing is
    deleted. OutputOwned if the output is another one's; SpecError for a URI without a path.
    """
    uri = document.spec.output.uri
    refuse_roots(uri)
    store = connect(uri)
    found = owner.read(store)
    if found is None:
        return 0
    theirs, mine = found[0], owner.owner_of(document, uid)
    # An object that was deleted and made again has taken the output over: it is not the old one's to delete any more.
    if not owner.same(theirs, mine) or (theirs.uid and mine.uid and theirs.uid != mine.uid):
        raise OutputOwned(
            f"Cannot delete what is in {uri}: it belongs to {theirs.shown}, uid {theirs.uid or 'unknown'}.",
            remedy="Nothing was deleted. Delete by hand what you do not need.",
        )
    deleted = sum(store.delete_prefix(prefix) for prefix in FOLDERS[document.kind])
    for name in _named_sets(store):
        # The mark goes last: killed in between, the rest is found again.
        deleted += store.delete_prefix(f"dataset-{name}/") + _delete_but(store, f"report-{name}/", _mark(name))
        store.delete(_mark(name))
        deleted += 1
    deleted += _delete_but(store, STATE, OWNER)
    store.delete(OWNER)
    return deleted + 1


def _named_sets(store: Store) -> list[str]:
    """Names of other data sets of this pool. Their statistics show that curation wrote them: whatever else has such a
    name is not ours."""
    keys = [entry.key for entry in store.list("report-")]
    names = {key.removeprefix("report-").partition("/")[0] for key in keys}
    return sorted(name for name in names if _mark(name) in keys)


def _mark(name: str) -> str:
    return f"report-{name}/statistics.json"


def _delete_but(store: Store, prefix: str, kept: str) -> int:
    keys = [entry.key for entry in store.list(prefix) if entry.key != kept]
    for key in keys:
        store.delete(key)
    return len(keys)


def refuse_roots(uri: str) -> None:
    """SpecError for a URI that names a whole bucket or disk: too much to delete for one run."""
    path = urlsplit(uri).path if "://" in uri else uri
    if not path.strip("/"):
        raise SpecError(
            f"Cannot delete what is in {uri}: it has no path, so it is a whole bucket or disk.",
            remedy="Delete state/, pool/, dataset/ and report/ in it by hand. Nothing was deleted.",
        )


__all__ = ["clean", "cleanup", "curate", "prepare", "refuse_roots"]
