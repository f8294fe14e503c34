"""The address of a bucket, `s3://bucket/prefix`. It has no credentials: those are in the AWS_* variables."""

from __future__ import annotations

import re
from typing import NamedTuple

from warehouse.config import S3
from warehouse.errors import WarehouseError

_FORM = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[\w=-][\w.=-]*)*)/?", re.ASCII)


class Address(NamedTuple):
    """Bucket and prefix, without slashes at its ends; the prefix may be empty."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        """Return the address without a slash at its end."""
        return f"{S3}{self.bucket}/{self.prefix}".rstrip("/")


def parse_address(text: str) -> Address:
    """Return the parts of an address; raise WarehouseError, which does not show it, for another form."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise WarehouseError(
            "the address of the bucket must be s3://bucket or s3://bucket/prefix. Give the credentials in "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and another server than AWS in AWS_ENDPOINT_URL"
        )
    return Address(match[1], match[2].strip("/"))
