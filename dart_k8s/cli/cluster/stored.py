"""The output of a Synthesis of a cluster, read from this machine: with its credentials, which need not be the pods'."""

from collections.abc import Iterator
from contextlib import contextmanager

from dart_k8s.api.places import scheme
from dart_k8s.edges.cluster import Object
from dart_k8s.edges.store import Store, open_store
from dart_k8s.errors import DartError, SpecError, StoreError
from dart_k8s.workers import record

__all__ = ["from_here", "open_output", "uri_of"]

OURS = "This is read with the credentials of this machine, not of the pods."
CREDENTIALS = f"{OURS} Set AWS_PROFILE or AWS_ACCESS_KEY_ID, and AWS_ENDPOINT_URL_S3 for a store that is not AWS."


def uri_of(item: Object) -> str:
    """Where its output is."""
    return str(item["spec"]["output"]["uri"])


@contextmanager
def from_here(item: Object, what: str) -> Iterator[None]:
    """Errors of the store with the reason why this machine may fail where the pods do not."""
    try:
        yield
    except StoreError as error:
        error.message = f"Cannot read {what} of Synthesis '{item['metadata']['name']}': {error.message}"
        error.remedy = f"{OURS} {error.remedy}" if error.remedy else CREDENTIALS
        raise


def open_output(item: Object, what: str) -> Store:
    """The store, with a run in it. SpecError in words if there is none, or none that this machine can see."""
    uri = uri_of(item)
    with from_here(item, what):
        store = open_store(uri)
        if record.read(store) is not None:
            return store
    raise missing(item, what)


def missing(item: Object, what: str) -> DartError:
    """Why there is no run where the output says."""
    name, uri = item["metadata"]["name"], uri_of(item)
    prepared = bool((item.get("status") or {}).get("progress"))
    if scheme(uri) == "file" and prepared:
        return SpecError(
            f"Cannot read {what} of Synthesis '{name}': its output {uri} is a folder of the pods' volumes, which "
            "this machine does not see.",
            remedy="Use an output in an object store, or run the command in a pod that mounts the volume.",
        )
    return SpecError(
        f"Cannot read {what} of Synthesis '{name}': there is no run in {uri} yet.",
        remedy=f"`dart explain {name}` tells what it waits for."
        if not prepared
        else f"Its pods write there, so it may be another store that this machine reaches. {CREDENTIALS}",
    )
