"""A server of S3 on loopback, moto's, in a process of its own, and what is in its bucket."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3

# Started with port 0 the server prints its port to its log; this one prints it before it serves.
SERVER = """
import sys, threading
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
print(server.server_port, flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
server.serve_forever()
"""
BUCKET = "figures"
SECRET = "secret-of-the-bucket"  # noqa: S105 - of no server but this one


def variables(endpoint: str) -> dict[str, str]:
    """Return the environment of a machine that may use the server."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "writer",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def serving() -> Iterator[str]:
    """Start a server with one empty bucket; yield its address. It ends with this process."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as server:
        assert server.stdin is not None and server.stdout is not None
        try:
            endpoint = f"http://127.0.0.1:{int(server.stdout.readline())}"
            client(variables(endpoint)).create_bucket(
                Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
            )
            yield endpoint
        finally:
            server.stdin.close()
            server.wait(timeout=10)


def client(environ: Mapping[str, str]) -> Any:
    """Return a client of the server that is not the product's."""
    return boto3.client(
        "s3",
        endpoint_url=environ["AWS_ENDPOINT_URL"],
        aws_access_key_id="reader",
        aws_secret_access_key="reader",
        region_name=environ["AWS_DEFAULT_REGION"],
    )


def keys(s3: Any, address: str) -> dict[str, str]:
    """Return the entity tag of each object below an address, by its name."""
    prefix = address.removeprefix(f"s3://{BUCKET}/") + "/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return {
        one["Key"].removeprefix(prefix): one["ETag"] for page in pages for one in page.get("Contents", ())
    }


def content(s3: Any, address: str, name: str) -> bytes:
    """Return the content of an object below an address."""
    key = f"{address.removeprefix(f's3://{BUCKET}/')}/{name}"
    return s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()


def write(s3: Any, address: str, name: str, body: bytes) -> None:
    """Replace an object below an address, as no push does."""
    s3.put_object(Bucket=BUCKET, Key=f"{address.removeprefix(f's3://{BUCKET}/')}/{name}", Body=body)


def remove(s3: Any, address: str, name: str) -> None:
    s3.delete_object(Bucket=BUCKET, Key=f"{address.removeprefix(f's3://{BUCKET}/')}/{name}")
