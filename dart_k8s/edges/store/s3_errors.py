"""What an S3 error means, and what to say about it. Knows no client: it reads the code, the status and the message."""

from __future__ import annotations

from dart_k8s.errors import AccessDenied, Conflict, NotFound, SpecError, StoreError, StoreFull, StoreUnavailable

_REPEAT = {
    "429", "BandwidthLimitExceeded", "ConditionalRequestConflict", "InternalError", "OperationAborted",
    "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled", "RequestTimeout",
    "ServiceUnavailable", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "NoSuchUpload",
}  # fmt: skip
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_WRONG_KEY = {"InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch", "UnrecognizedClientException"}
_FULL = {"507", "BucketQuotaExceeded", "InsufficientStorage", "QuotaExceeded", "XMinioAdminBucketQuotaExceeded",
         "XMinioStorageFull"}  # fmt: skip
_NOT_FULL_NOR_REPEAT = {501, 505, 507}


def is_worth_repeating(code: str, status: int) -> bool:
    """Whether the same request may succeed in a moment: throttled, busy, or a server error."""
    return code in _REPEAT or status in {409, 429} or (status >= 500 and status not in _NOT_FULL_NOR_REPEAT)


def explain(
    subject: str, *, bucket: str, endpoint: str, code: str, status: int, message: str
) -> StoreError | SpecError:
    """The error to raise for an S3 answer. `subject` says what was tried on which object, without a full stop."""
    said = f"{endpoint} answered {status} {code}" + (f" ({message.rstrip('.')})" if message else "")
    text = f"{subject}: {said}."
    if code == "NoSuchBucket":
        return SpecError(
            f"{subject}: there is no bucket {bucket!r} at {endpoint}.",
            remedy="Make the bucket, or check its name and the endpoint (AWS_ENDPOINT_URL_S3).",
        )
    if code in _EXPIRED:
        return AccessDenied(text, remedy="The credentials have expired: sign in again or renew the session token.")
    if code in _WRONG_KEY:
        return AccessDenied(
            text,
            remedy="Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN or the profile, and that they "
            "belong to this endpoint.",
        )
    if code == "RequestTimeTooSkewed":
        return AccessDenied(text, remedy="Set this machine's clock.")
    if code in _FULL or status == 507:
        return StoreFull(text, remedy="Free some space or raise the quota, then run the same command again.")
    if status in {401, 403}:
        return AccessDenied(
            text,
            remedy=f"Check the credentials, and allow them to get, put, list and delete objects in bucket {bucket!r}.",
        )
    if is_worth_repeating(code, status):
        return StoreUnavailable(text, remedy="Running the same command again goes on where this one stopped.")
    if code == "PreconditionFailed" or status == 412:
        return Conflict(text)
    if code in {"NoSuchKey", "404"} or status == 404:
        return NotFound(text)
    if code == "NotImplemented" or status == 501:
        return StoreError(text, remedy="The store lacks this operation; a run needs one with conditional writes.")
    if status in {301, 307} or code in {"AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}:
        return StoreError(text, remedy="Set AWS_REGION to the bucket's region.")
    return StoreError(text)
