"""A data set of the hub as rows, pinned to a commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dart_k8s.edges.hub.address import hub_errors, parse_address
from dart_k8s.errors import DataError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

Loader = Callable[..., Any]
"""`datasets.load_dataset`, or something that takes its arguments and gives rows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HubDataset:
    """One split. Rows can be read again and again; they come from files on this machine."""

    revision: str
    """The commit."""
    count: int | None
    rows: Any

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in self.rows:
            yield dict(row)


def open_dataset(
    uri: str,
    split: str | None = None,
    revision: str | None = None,
    *,
    api: HfApi | None = None,
    load: Loader | None = None,
) -> HubDataset:
    """The data set behind hf://owner/name[/configuration]. Downloads it whole (not streaming), once.

    Without `split` it must have a single one. Raises SpecError for an unknown data set or revision, DataError for an
    unknown split or configuration (with the known ones), AccessDenied (gated, private), StoreUnavailable.
    """
    address = parse_address(uri, revision)
    if api is None:
        from huggingface_hub import HfApi

        api = HfApi()
    if load is None:
        from datasets import load_dataset

        load = load_dataset
    with hub_errors("read the data set", kind="data set", repo=address.repo, revision=address.revision):
        commit = api.dataset_info(address.repo, revision=address.revision).sha
        try:
            found = load(address.repo, address.config, revision=commit)
        except ValueError as error:  # an unknown or missing configuration; the message lists the known ones
            if isinstance(error, OSError):  # an HTTP error of the hub client is both
                raise
            raise DataError(
                f"Cannot read the data set {uri}: {' '.join(str(error).split())}",
                remedy="A configuration is named as hf://owner/name/configuration.",
            ) from error
    splits = sorted(found)
    if split is None and len(splits) != 1:
        raise DataError(f"Cannot read {uri}: it has several splits.", remedy=f"Set `split` to one of {splits}.")
    if split is not None and split not in found:
        raise DataError(f"Cannot read {uri}: it has no split {split!r}.", remedy=f"Its splits are {splits}.")
    rows = found[split or splits[0]]
    return HubDataset(revision=str(commit), count=len(rows), rows=rows)
