"""Publishing a folder as a data set or a model of the hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

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
    kind: Literal["data set", "model"] = "data set",
    token: str | None = None,
    endpoint: str | None = None,
    message: str = "",
    api: HfApi | None = None,
) -> str:
    """Makes the repository `owner/name` of the kind if it is not there, uploads the folder as one commit, and returns
    the repository's address. `token` and `endpoint` default to the hub's own settings (HF_TOKEN, HF_ENDPOINT).

    An existing repository keeps its visibility and its other files. Raises SpecError for an empty folder or a name that
    is none, AccessDenied, StoreUnavailable.
    """
    address = parse_address(repo if repo.startswith("hf://") else f"hf://{repo}")
    if not folder.is_dir() or not any(folder.iterdir()):
        raise SpecError(f"Cannot publish {folder} as {address.repo}: there is nothing in it.")
    if api is None:
        from huggingface_hub import HfApi

        api = HfApi(endpoint=endpoint, token=token)
    hub_kind = "dataset" if kind == "data set" else "model"
    with hub_errors(f"publish {folder} as", kind=kind, repo=address.repo):
        made = api.create_repo(address.repo, repo_type=hub_kind, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=address.repo,
            folder_path=folder,
            repo_type=hub_kind,
            commit_message=message or f"Upload the {kind}",
            ignore_patterns=NEVER_UPLOADED,
        )
    return str(made)


def has_token() -> bool:
    """Whether there is a token to publish with: HF_TOKEN, or a sign-in."""
    from huggingface_hub import get_token

    return bool(get_token())
