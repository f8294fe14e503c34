"""The objects of one bucket, through boto3: conditional puts, reads, lists and removals.

Endpoint, region and credentials come from where every client of AWS takes them: `AWS_ENDPOINT_URL`,
`AWS_DEFAULT_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, or the role of the
machine. No error names a secret. Names of objects are below the prefix of the address.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from warehouse.config import S3
from warehouse.errors import WarehouseError
from warehouse.objects.address import Address, parse_address

PARALLEL = 8  # requests at a time
PART_BYTES = 256 << 20  # larger files are uploaded in parts
CHUNK_BYTES = 1 << 20
MOST_REMOVED = 1000  # objects of one request
ABSENT = ("404", "NoSuchKey", "NotFound")
CONDITION_FAILED = ("412", "PreconditionFailed", "409", "ConditionalRequestConflict")
CONFIG = Config(
    connect_timeout=10,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=2 * PARALLEL,
    # Every upload has its SHA-256, and every download is compared with the state.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


@dataclass(frozen=True)
class StoredObject:
    """Size, and time of the upload, of an object in a list."""

    size_bytes: int
    uploaded_at: datetime


@dataclass(frozen=True)
class Store:
    """A bucket and a prefix, with the client that reaches it and the secrets that no message may have."""

    bucket: str
    prefix: str
    client: Any = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False, default=())

    @property
    def address(self) -> str:
        """Return the address of the prefix, without a slash at its end."""
        return str(Address(self.bucket, self.prefix))

    def key(self, name: str) -> str:
        """Return the key of an object in the bucket."""
        return f"{self.prefix}/{name}".lstrip("/")


def open_store(address: str) -> Store:
    """Return the store at `s3://bucket/prefix`; nothing is sent yet.

    Raises WarehouseError, which does not show the address, when it has another form, and when the machine has
    no credentials.
    """
    bucket, prefix = parse_address(address)
    try:
        session = boto3.Session()
        credentials = session.get_credentials()
        client = session.client("s3", config=CONFIG)
    except (BotoCoreError, ValueError) as error:
        raise WarehouseError(f"{S3}{bucket}: {error}. Correct the AWS_* variables") from error
    if credentials is None:
        raise WarehouseError(
            f"{S3}{bucket}: this machine has no credentials for it. Set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY"
        )
    secrets = (credentials.secret_key, credentials.token)
    return Store(bucket, prefix, client, tuple(one for one in secrets if one))


@contextmanager
def requests(store: Store, name: str = "") -> Iterator[None]:
    """Turn an error of the client into a WarehouseError that names the object, the reason and the remedy."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        reason = str(error)
        for secret in store.secrets:
            reason = reason.replace(secret, "***")
        where = f"{store.address}/{name}" if name else store.address
        raise WarehouseError(
            f"{where}: {reason}. Nothing that `latest` names was changed. Check the network, the AWS_* "
            "variables and the rights of the credentials, then run it again"
        ) from error


def failed_with(error: ClientError, codes: Iterable[str]) -> bool:
    """Tell whether a request failed with one of some codes."""
    return str(error.response.get("Error", {}).get("Code")) in codes


# --- reading ---


def read_object(store: Store, name: str) -> tuple[bytes, str] | None:
    """Return content and entity tag of a small object; None if it does not exist."""
    with requests(store, name):
        try:
            found = store.client.get_object(Bucket=store.bucket, Key=store.key(name))
            return found["Body"].read(), found["ETag"]
        except ClientError as error:
            if failed_with(error, ABSENT):
                return None
            raise


def list_objects(store: Store, folder: str) -> dict[str, StoredObject]:
    """Return all objects whose names begin with `folder/`, by name."""
    found: dict[str, StoredObject] = {}
    skipped = len(store.key(""))
    with requests(store, f"{folder}/"):
        pages = store.client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=store.bucket, Prefix=store.key(f"{folder}/")):
            for one in page.get("Contents", ()):
                found[one["Key"][skipped:]] = StoredObject(one["Size"], one["LastModified"])
    return found


def stored(store: Store, name: str) -> tuple[str | None, int]:
    """Return checksum and size of an object; the checksum is None if no push has uploaded it."""
    with requests(store, name):
        found = store.client.head_object(Bucket=store.bucket, Key=store.key(name))
    return found["Metadata"].get("sha256"), found["ContentLength"]


def download(store: Store, name: str, target: Path) -> str | None:
    """Write an object to a file; return the checksum of what was written, None if it does not exist."""
    digest = hashlib.sha256()
    with requests(store, name):
        try:
            body = store.client.get_object(Bucket=store.bucket, Key=store.key(name))["Body"]
        except ClientError as error:
            if failed_with(error, ABSENT):
                return None
            raise
        with target.open("wb") as file:
            for chunk in body.iter_chunks(CHUNK_BYTES):
                digest.update(chunk)
                file.write(chunk)
    return digest.hexdigest()


# --- writing ---


def put_new(store: Store, name: str, file: IO[bytes], sha256: str) -> bool:
    """Upload a file unless the object exists; tell whether it was uploaded.

    The server verifies the checksum of what arrives. A put that is repeated after a lost answer finds its own
    object: the caller compares `stored`.
    """
    size = file.seek(0, 2)
    file.seek(0)
    target = {"Bucket": store.bucket, "Key": store.key(name)}
    with requests(store, name):
        try:
            if size > PART_BYTES:
                _put_parts(store, target, file, sha256)
            else:
                store.client.put_object(
                    **target,
                    Body=file,
                    IfNoneMatch="*",
                    ChecksumSHA256=_base64_of(sha256),
                    Metadata={"sha256": sha256},
                )
        except ClientError as error:
            if failed_with(error, CONDITION_FAILED):
                return False
            raise
    return True


def _put_parts(store: Store, target: dict[str, str], file: IO[bytes], sha256: str) -> None:
    """Upload a large file in parts; the object appears when all are there, unless it exists."""
    begun = store.client.create_multipart_upload(
        **target, ChecksumAlgorithm="SHA256", Metadata={"sha256": sha256}
    )
    upload = {**target, "UploadId": begun["UploadId"]}
    parts: list[dict[str, Any]] = []
    try:
        while content := file.read(PART_BYTES):
            number, checksum = len(parts) + 1, _base64_of(hashlib.sha256(content).hexdigest())
            sent = store.client.upload_part(
                **upload, PartNumber=number, Body=content, ChecksumSHA256=checksum
            )
            parts.append({"PartNumber": number, "ETag": sent["ETag"], "ChecksumSHA256": checksum})
        store.client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*")
    except ClientError:
        store.client.abort_multipart_upload(**upload)
        raise


def put_if(store: Store, name: str, content: bytes, etag: str | None) -> bool:
    """Replace an object if it still has the entity tag `etag`, or does not exist if that is None.

    Returns whether the object has `content` now; of several that replace the same object, one has.
    """
    condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
    with requests(store, name):
        try:
            store.client.put_object(
                Bucket=store.bucket,
                Key=store.key(name),
                Body=content,
                ContentType="application/json",
                **condition,
            )
        except ClientError as error:
            if not failed_with(error, (*CONDITION_FAILED, *ABSENT)):
                raise
            found = read_object(
                store, name
            )  # a put that is repeated after a lost answer meets its own object
            return found is not None and found[0] == content
    return True


def remove_objects(store: Store, names: Iterable[str]) -> None:
    """Remove objects; those that do not exist are no error."""
    keys = [{"Key": store.key(name)} for name in names]
    with requests(store):
        for first in range(0, len(keys), MOST_REMOVED):
            batch = {"Objects": keys[first : first + MOST_REMOVED], "Quiet": True}
            answer = store.client.delete_objects(Bucket=store.bucket, Delete=batch)
            if failed := answer.get("Errors"):
                raise WarehouseError(
                    f"{store.address}: {len(failed)} objects could not be removed, the first is "
                    f"{failed[0].get('Key')} ({failed[0].get('Message')}). Check the rights, then run it "
                    "again"
                )


def _base64_of(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()
