"""Publishing a folder as a data set of the hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dart_k8s.edges.hub.address import hub_errors, parse_address
from dart_k8s.errors import SpecError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

NEVER_UPLOADED = [".*", "**/.*"]
"""Hidden and half-written files."""


def push_folder(
    folder: Path,
    repo: str,
    *,
    private: bool,
    token: str | None = None,
    endpoint: str | None = None,
    message: str = "Upload the data set",
    api: HfApi | None = None,
) -> str:
    """Makes the data-set repository `owner/name` if it is not there, uploads the folder as one commit, and returns the
    repository's address. `token` and `endpoint` default to the hub's own settings (HF_TOKEN, HF_ENDPOINT).

    An existing repository keeps its visibility and its other files. Raises SpecError for an empty folder or a name that
    is none, AccessDenied, StoreUnavailable.
    """
    address = parse_address(repo if repo.startswith("hf://") else f"hf://{repo}")
    if not folder.is_dir() or not any(folder.iterdir()):
        raise SpecError(f"Cannot publish {folder} as {address.repo}: there is nothing in it.")
    if api is None:
        from huggingface_hub import HfApi

        api = HfApi(endpoint=endpoint, token=token)
    with hub_errors(f"publish {folder} as", kind="data set", repo=address.repo):
        made = api.create_repo(address.repo, repo_type="dataset", private=private, exist_ok=True)
        api.upload_folder(
            repo_id=address.repo,
            folder_path=folder,
            repo_type="dataset",
            commit_message=message,
            ignore_patterns=NEVER_UPLOADED,
        )
    return str(made)
