"""Words of others in a status: a pod's last ones, the scheduler's, the API server's."""

from dart_k8s import errors
from dart_k8s.api.conditions import REASONS
from dart_k8s.api.status import MESSAGE_BYTES, clip

from . import findings
from .findings import INTERNAL, Doing, decode, reason_of


def told(said: str) -> tuple[str, str] | None:
    """Reason and sentence of a finding in a termination message; None if it holds none. It is shown, never followed."""
    found = decode(said)
    if found is None:
        return None
    reason = found.reason if found.reason in REASONS or found.reason in findings.REASONS else INTERNAL
    return reason, one_line(f"{found.message} {found.remedy}")


def fold_reason(kind: str) -> str:
    """The reason that stands for a kind of error of a fold."""
    found = vars(errors).get(kind)
    if isinstance(found, type) and issubclass(found, errors.DartError):
        return reason_of(found(""), Doing.OUTPUT)
    return INTERNAL


def one_line(text: str, most: int = MESSAGE_BYTES) -> str:
    """Printable and short, for people who read it in a terminal."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text[: 8 * most])
    return clip(" ".join(plain.split()), most)


__all__ = ["fold_reason", "one_line", "told"]
