"""`dart push`: a finished data set with its card to a hub."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from dart_k8s.errors import RunError, SpecError

from .reading import is_declaration, read_declarations

if TYPE_CHECKING:
    from dart_k8s.edges.store import Store

CARD = "README.md"
"""Written last: without it a data set is not whole."""


def push(
    output: Annotated[str, typer.Argument(help="URI of a finished run's output, or its declaration file.")],
    repo: Annotated[str, typer.Argument(help="Repository at the hub: OWNER/NAME. It is made if it is not there.")],
    private: Annotated[
        bool, typer.Option("--private/--public", help="Who may read a repository that is made now.")
    ] = True,
    name: Annotated[str | None, typer.Option(help="Which Synthesis of the declaration file.")] = None,
    dataset: Annotated[
        str, typer.Option(help="Folder of the data set: dataset, or dataset-NAME of `dart curate --into NAME`.")
    ] = "dataset",
    token_env: Annotated[
        str | None, typer.Option(help="Environment variable that holds the hub's token. Default: HF_TOKEN.")
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="The hub's address. Default: HF_ENDPOINT.")] = None,
) -> None:
    """Send a finished data set with its card and figures to a hub as one commit, and print its address."""
    from dart_k8s.edges.hub import push_folder
    from dart_k8s.edges.store import open_store

    token = _token(token_env)
    store = open_store(_output(output, name))
    with local_dataset(store, f"{dataset.strip('/')}/") as folder:
        address = push_folder(folder, repo, private=private, token=token, endpoint=endpoint)
    Console(highlight=False).print(address, markup=False, soft_wrap=True)


def _token(name: str | None) -> str | None:
    if name is None:
        return None
    value = os.environ.get(name, "").strip()
    if not value:
        raise SpecError(
            f"Cannot publish with the token in {name}: the environment has no such variable, or it is empty.",
            remedy=f"Set it (export {name}=...), or leave --token-env out to use HF_TOKEN or a sign-in.",
        )
    return value


def _output(output: str, name: str | None) -> str:
    if not is_declaration(output):
        return output
    documents = read_declarations(output, name)
    if len(documents) > 1:
        names = ", ".join(document.metadata.name for document in documents)
        raise SpecError(f"Which data set? {output} has: {names}.", remedy="Name one with --name, or give its output.")
    return documents[0].spec.output.uri


@contextmanager
def local_dataset(store: "Store", prefix: str) -> Iterator[Path]:
    """The folder of a whole data set, downloaded if its store is not a folder. SpecError, RunError if it is not
    whole.
    """
    keys = [entry.key for entry in store.list(prefix)]
    if f"{prefix}{CARD}" not in keys:
        raise _not_whole(store, prefix, begun=bool(keys))
    if not any(key.endswith(".parquet") for key in keys):
        raise RunError(f"Cannot publish {store.uri}/{prefix}: it has a card and no rows.")
    card = store.local_path(f"{prefix}{CARD}")
    if card is not None:
        yield card.parent
        return
    with tempfile.TemporaryDirectory(prefix="dart-push-") as temporary:
        for key in keys:
            store.download(key, Path(temporary) / key.removeprefix(prefix))
        yield Path(temporary)


def _not_whole(store: "Store", prefix: str, *, begun: bool) -> RunError | SpecError:
    from dart_k8s.workers import record

    if begun or record.read(store) is not None:
        return RunError(
            f"Cannot publish {store.uri}/{prefix}: it is not whole, its card '{CARD}' is missing.",
            remedy="Finish it with `dart run FILE`, or write it again with `dart curate FILE`.",
        )
    return SpecError(
        f"Cannot publish {store.uri}/{prefix}: there is no data set, and no run in {store.uri}.",
        remedy="Check the output's URI.",
    )
