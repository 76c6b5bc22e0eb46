"""S3 and everything that speaks its protocol, through boto3 and its standard settings.

boto3's own retries are off: this store repeats requests itself, because only it knows that a repeated conditional
write which is refused may have been its own first one.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
import botocore.loaders
import botocore.session
from botocore import exceptions
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from dart_k8s.edges.store.base import TEMPORARY, Blob, Entry, RequestCounter, check_key, check_prefix
from dart_k8s.edges.store.files import CHUNK, explained
from dart_k8s.edges.store.ordering import in_byte_order, safe_start
from dart_k8s.edges.store.s3_errors import explain, is_worth_repeating
from dart_k8s.errors import AccessDenied, Conflict, NotFound, SpecError, StoreError, StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

ATTEMPTS = 5
"""Tries of one request before the caller hears StoreUnavailable."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 3.0
"""Seconds; the pause before try n is drawn from 0 to min(LONGEST, FIRST * 2^n) ("full jitter", so that clients that
failed together do not come back together)."""

CONNECT_TIMEOUT, READ_TIMEOUT = 5, 20
"""Seconds. Well under a claim's time to live, so that a heartbeat hears of a hanging store in time."""

PART_BYTES = 64 << 20
"""Files above this go up in parts of it; S3 allows 10,000 parts, so 625 GiB."""

DELETE_BATCH = 1000
"""S3's limit of keys in one DeleteObjects request."""

_OPERATIONS = {
    "GetObject": "get",
    "HeadObject": "head",
    "ListObjectsV2": "list",
    "DeleteObject": "delete",
    "DeleteObjects": "delete",
}
"""Counter by API operation; all others are parts of writing."""

_NO_CREDENTIALS = (
    exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.CredentialRetrievalError,
    exceptions.TokenRetrievalError, exceptions.SSOError,
)  # fmt: skip
_NO_ANSWER = (exceptions.HTTPClientError, exceptions.ConnectionError, exceptions.IncompleteReadError)


_loader = botocore.loaders.Loader()
"""Holds boto3's description of S3, most of the cost of a client; settings and credentials are each client's own."""


class S3Store:
    """Objects in a bucket under a prefix. The settings are boto3's: AWS_ENDPOINT_URL_S3, AWS_PROFILE, IRSA, ..."""

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        *,
        client: S3Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
        draw: Callable[[], float] = random.random,
        attempts: int = ATTEMPTS,
        part_bytes: int = PART_BYTES,
        page_size: int = 1000,
    ) -> None:
        prefix = prefix.strip("/")
        self._uri = f"s3://{bucket}/{prefix}".rstrip("/")
        self._bucket = bucket
        self._start = f"{check_key(prefix, uri=f's3://{bucket}')}/" if prefix else ""
        self._client = client or _make_client(self._uri)
        self._sleep, self._draw, self._attempts = sleep, draw, attempts
        self._part_bytes, self._page_size = part_bytes, page_size
        self._counter = RequestCounter()
        self._client.meta.events.register("before-send.s3", self._count)

    def _count(self, event_name: str = "", **_: Any) -> None:
        self._counter.add(_OPERATIONS.get(event_name.rpartition(".")[2], "put"))

    @property
    def uri(self) -> str:
        return self._uri

    def local_path(self, key: str) -> Path | None:
        return None

    def requests(self) -> Mapping[str, int]:
        """Requests that went out, repeated ones included."""
        return self._counter.snapshot()

    # -- reading

    def get(self, key: str) -> Blob:
        return self._get(key, self._attempts)

    def _get(self, key: str, attempts: int) -> Blob:
        name = self._name(key)

        def request() -> Blob:
            answer = self._client.get_object(Bucket=self._bucket, Key=name)
            return Blob(data=answer["Body"].read(), etag=_plain(answer["ETag"]))

        return self._send("get", key, request, attempts)

    def get_range(self, key: str, start: int, length: int) -> Blob:
        if start < 0 or length < 0:
            raise ValueError(f"start {start} and length {length} must not be negative")
        name = self._name(key)

        def request() -> Blob | None:
            try:
                answer = self._client.get_object(
                    Bucket=self._bucket, Key=name, Range=f"bytes={start}-{start + length - 1}"
                )
            except ClientError as error:
                if _code_and_status(error)[1] == 416:
                    return None
                raise
            return Blob(data=answer["Body"].read(), etag=_plain(answer["ETag"]))

        found = self._send("get", key, request) if length else None
        if found is not None:
            return found
        entry = self.head(key)  # HTTP has no empty range, nor one that starts behind the end
        if entry is None:
            raise NotFound(f"No object {key!r} in {self._uri}.")
        return Blob(data=b"", etag=entry.etag)

    def head(self, key: str) -> Entry | None:
        name = self._name(key)

        def request() -> Entry:
            answer = self._client.head_object(Bucket=self._bucket, Key=name)
            return Entry(key=key, size=answer["ContentLength"], etag=_plain(answer["ETag"]))

        try:
            return self._send("look at", key, request)
        except NotFound:
            return None

    def download(self, key: str, path: Path) -> None:
        path, name = Path(path), self._name(key)
        half = path.with_name(f"{TEMPORARY}{os.urandom(12).hex()}")

        def request() -> None:
            body = self._client.get_object(Bucket=self._bucket, Key=name)["Body"]
            with half.open("wb") as target:
                for piece in body.iter_chunks(CHUNK):
                    target.write(piece)

        with explained(f"Cannot download {key!r} of {self._uri} to {path}", path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._send("download", key, request)
                half.replace(path)
            finally:
                half.unlink(missing_ok=True)

    def list(self, prefix: str = "", start_after: str = "") -> Iterator[Entry]:
        if start_after > prefix and not start_after.startswith(prefix):
            return iter(())
        base = prefix[: prefix.rfind("/") + 1]
        start = safe_start(start_after, base) if start_after > prefix else ""
        start = start and self._start + start
        found = (entry for entry in self._pages(prefix, start) if entry.key > start_after)
        return in_byte_order(found, base)

    def _pages(self, prefix: str, start: str) -> Iterator[Entry]:
        more: dict[str, Any] = {"StartAfter": start} if start else {}
        while True:
            page = partial(
                self._client.list_objects_v2,
                Bucket=self._bucket,
                Prefix=self._start + prefix,
                MaxKeys=self._page_size,
                **more,
            )
            answer = self._send("list", prefix, page)
            for item in answer.get("Contents", ()):
                # Some clients leave "folders": empty objects whose key ends with a slash. They are not ours.
                if not item["Key"].endswith("/"):
                    key = item["Key"].removeprefix(self._start)
                    yield Entry(key=key, size=item["Size"], etag=_plain(item["ETag"]))
            if not answer.get("IsTruncated"):
                return
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    # -- writing

    def put(self, key: str, data: bytes) -> str:
        name = self._name(key)
        return self._send(
            "put", key, lambda: _plain(self._client.put_object(Bucket=self._bucket, Key=name, Body=data)["ETag"])
        )

    def put_if_absent(self, key: str, data: bytes) -> str:
        return self._put_if(key, data, {"IfNoneMatch": "*"})

    def put_if_match(self, key: str, data: bytes, etag: str) -> str:
        return self._put_if(key, data, {"IfMatch": f'"{etag}"'})

    def _put_if(self, key: str, data: bytes, condition: Mapping[str, str]) -> str:
        name = self._name(key)

        def request() -> str:
            answer = self._client.put_object(
                Bucket=self._bucket, Key=name, Body=data, **condition  # type: ignore[arg-type]
            )  # fmt: skip
            return _plain(answer["ETag"])

        # A repeated write keeps its condition, so at most one lands; who landed is read back.
        try:
            return self._send("put", key, request)
        except (Conflict, NotFound):
            found = self._read_back(key, self._attempts)
            if found is not None and found.data == data:
                return found.etag
            said = "nothing is there" if found is None else f"its etag is {found.etag}"
            raise Conflict(f"Conditional write of {key!r} in {self._uri} lost: {said}.") from None
        except StoreUnavailable:
            with suppress(StoreError):
                found = self._read_back(key, 1)
                if found is not None and found.data == data:
                    return found.etag
            raise

    def _read_back(self, key: str, attempts: int) -> Blob | None:
        try:
            return self._get(key, attempts)
        except NotFound:
            return None

    def upload(self, path: Path, key: str) -> str:
        name, size = self._name(key), path.stat().st_size
        if size > self._part_bytes:
            return self._upload_parts(path, key, name, size)

        def request() -> str:
            with path.open("rb") as file:
                return _plain(self._client.put_object(Bucket=self._bucket, Key=name, Body=file)["ETag"])

        return self._send("upload", key, request)

    def _upload_parts(self, path: Path, key: str, name: str, size: int) -> str:
        client, bucket = self._client, self._bucket
        create = partial(client.create_multipart_upload, Bucket=bucket, Key=name)
        upload = self._send("upload", key, create)["UploadId"]
        try:
            parts: Any = []
            with path.open("rb") as file:
                for number in range(1, -(-size // self._part_bytes) + 1):
                    send = partial(
                        client.upload_part,
                        Bucket=bucket,
                        Key=name,
                        UploadId=upload,
                        PartNumber=number,
                        Body=file.read(self._part_bytes),
                    )
                    etag = self._send(f"upload part {number} of", key, send)["ETag"]
                    parts.append({"PartNumber": number, "ETag": etag})
            complete = partial(
                client.complete_multipart_upload,
                Bucket=bucket,
                Key=name,
                UploadId=upload,
                MultipartUpload={"Parts": parts},
            )
            return _plain(self._send("complete", key, complete)["ETag"])
        except BaseException:
            # Parts of an upload that was never completed cost money and are not listed.
            with suppress(BotoCoreError, ClientError):
                client.abort_multipart_upload(Bucket=bucket, Key=name, UploadId=upload)
            raise

    def delete(self, key: str) -> None:
        name = self._name(key)
        try:
            self._send("delete", key, lambda: self._client.delete_object(Bucket=self._bucket, Key=name))
        except NotFound:
            return

    def delete_prefix(self, prefix: str) -> int:
        found = [entry.key for entry in self._pages(check_prefix(prefix), "")]
        keys = iter(found)
        while batch := [*islice(keys, DELETE_BATCH)]:
            self._delete_batch(prefix, batch)
        return len(found)

    def _delete_batch(self, prefix: str, keys: Sequence[str]) -> None:
        names: Any = {"Objects": [{"Key": self._start + key} for key in keys], "Quiet": True}
        try:
            answer = self._send(
                "delete under", prefix, lambda: self._client.delete_objects(Bucket=self._bucket, Delete=names)
            )
        except (AccessDenied, StoreUnavailable, SpecError):
            raise
        except StoreError:  # some S3-like stores have no DeleteObjects, or want another checksum for it
            for key in keys:
                self.delete(key)
            return
        for failed in answer.get("Errors", ()):
            self.delete(str(failed["Key"]).removeprefix(self._start))

    # -- how

    def _name(self, key: str) -> str:
        return check_key(self._start + check_key(key, uri=self._uri), uri=f"s3://{self._bucket}")

    def _send(self, what: str, key: str, request: Callable[[], T], attempts: int | None = None) -> T:
        """Sends a request until it is answered; raises what the last answer, or its absence, means."""
        subject = f"Cannot {what} {key!r} in {self._uri}"
        endpoint = self._client.meta.endpoint_url
        allowed = attempts or self._attempts
        for attempt in range(1, allowed + 1):
            try:
                return request()
            except ClientError as error:
                code, status = _code_and_status(error)
                if attempt == allowed or not is_worth_repeating(code, status):
                    message = str(error.response.get("Error", {}).get("Message", ""))
                    raise explain(
                        subject, bucket=self._bucket, endpoint=endpoint, code=code, status=status, message=message
                    ) from error
            except _NO_CREDENTIALS as error:
                raise AccessDenied(
                    f"{subject}: {error}.",
                    remedy="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, choose an AWS_PROFILE, sign in again, or "
                    "give the pod a service account with a role.",
                ) from error
            except _NO_ANSWER as error:
                if attempt == allowed:
                    raise StoreUnavailable(
                        f"{subject}: no answer from {endpoint} in {allowed} tries ({error}).",
                        remedy="Check the endpoint (AWS_ENDPOINT_URL_S3), the network and that the store is up; "
                        "running the same command again goes on where this one stopped.",
                    ) from error
            except BotoCoreError as error:
                raise StoreError(f"{subject}: {error}.") from error
            self._sleep(self._draw() * min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt))
        raise AssertionError("unreachable")


def _make_client(uri: str) -> S3Client:
    """A client with boto3's standard settings; SpecError when these contradict themselves."""
    # Checksums in trailers are boto3's default but unknown to many S3-like stores; the user's own setting wins.
    checksums = {
        name: "when_required"
        for name in ("request_checksum_calculation", "response_checksum_validation")
        if f"AWS_{name.upper()}" not in os.environ
    }
    config = Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        max_pool_connections=64,
        **checksums,  # type: ignore[arg-type]
    )
    try:
        session = botocore.session.get_session()
        session.register_component("data_loader", _loader)
        return boto3.session.Session(botocore_session=session).client("s3", config=config)
    except (BotoCoreError, ValueError) as error:
        raise SpecError(
            f"Cannot open {uri}: {error}.",
            remedy="Check AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL_S3 and the file ~/.aws/config.",
        ) from error


def _plain(etag: str) -> str:
    return etag.removeprefix("W/").strip('"')


def _code_and_status(error: ClientError) -> tuple[str, int]:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return code, status
