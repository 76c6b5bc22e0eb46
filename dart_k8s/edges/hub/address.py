"""hf:// URIs, and the hub's errors in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dart_k8s.errors import AccessDenied, DartError, SpecError, StoreError, StoreFull, StoreUnavailable

_TOKEN = "Set HF_TOKEN to a token that may do this, or sign in with `hf auth login`."


@dataclass(frozen=True, kw_only=True, slots=True)
class HubAddress:
    """What hf://owner/name[/config][@revision] names."""

    repo: str
    config: str | None
    """A data set's configuration (openai/gsm8k has `main`)."""
    revision: str | None


def parse_address(uri: str, revision: str | None = None) -> HubAddress:
    """Raises SpecError for anything but hf://owner/name, and for two different revisions."""
    rest = uri.removeprefix("hf://").strip("/")
    rest, _, own = rest.partition("@")
    parts = rest.removeprefix("datasets/").removeprefix("models/").split("/")
    if len(parts) not in {2, 3} or not all(parts):
        raise SpecError(
            f"Cannot read {uri}: it does not name a repository of the hub.",
            remedy="Write hf://owner/name, for a data set also hf://owner/name/configuration.",
        )
    if own and revision and own != revision:
        raise SpecError(f"Cannot read {uri}: it says revision {own!r} and the declaration {revision!r}.")
    return HubAddress(
        repo="/".join(parts[:2]), config=parts[2] if len(parts) == 3 else None, revision=revision or own or None
    )


@contextmanager
def hub_errors(what: str, *, kind: str, repo: str, revision: str | None = None) -> Iterator[None]:
    """Turns the hub client's errors into ours. `what` is the verb phrase ("download the model")."""
    from huggingface_hub import errors

    subject = f"Cannot {what} {repo}"
    try:
        yield
    except DartError:
        raise
    except errors.GatedRepoError as error:
        raise AccessDenied(
            f"{subject}: it is gated.", remedy=f"Accept its terms on the page of {repo}, then: {_TOKEN}"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise SpecError(
            f"{subject}: the hub knows no such {kind}, or it is private.", remedy=f"Check the name. {_TOKEN}"
        ) from error
    except (errors.RevisionNotFoundError, errors.RevisionResolutionError) as error:
        raise SpecError(
            f"{subject}: it has no revision {revision!r}.", remedy="Name a branch, a tag or a commit of it."
        ) from error
    except errors.HFValidationError as error:
        raise SpecError(f"{subject}: {_first_line(error)}.") from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        raise StoreUnavailable(
            f"{subject}: it is not (wholly) in the cache and the hub cannot be asked.",
            remedy="Run once with the network, or put the files in a folder or a bucket and name that.",
        ) from error
    except errors.HfHubHTTPError as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status in {401, 403}:
            raise AccessDenied(f"{subject}: the hub answered {status}.", remedy=_TOKEN) from error
        if status == 429 or status is None or status >= 500:
            raise StoreUnavailable(f"{subject}: the hub answered {status}.", remedy="Try again later.") from error
        raise StoreError(f"{subject}: {_first_line(error)}.") from error
    except OSError as error:
        raise _of_system(subject, error) from error
    except Exception as error:
        # The errors of the hub's HTTP library share no base with OSError. Which library it is (httpx, httpx2) is the
        # hub's own affair, so they are told by module.
        if type(error).__module__.startswith(("httpx", "httpcore")):
            raise StoreUnavailable(
                f"{subject}: no answer from the hub ({_first_line(error)}).",
                remedy="Check the network and HF_ENDPOINT.",
            ) from error
        raise


def _of_system(subject: str, error: OSError) -> StoreError:
    import errno

    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StoreFull(f"{subject}: {error.strerror}.", remedy="Free some space or choose another cache.")
    if isinstance(error, PermissionError):
        return AccessDenied(f"{subject}: {error}.")
    if isinstance(error, (ConnectionError, TimeoutError)):
        return StoreUnavailable(f"{subject}: no answer from the hub ({_first_line(error)}).")
    return StoreError(f"{subject}: {_first_line(error)}.")


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
