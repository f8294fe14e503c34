"""Fixtures of object storage: a server on loopback, and an empty prefix for each test.

A test file loads them with `pytest_plugins = ("buckets",)`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from moto_server import BUCKET, client, serving, variables


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """Return the address of a server with one bucket."""
    with serving() as address:
        yield address


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of an empty prefix in the bucket, which this process may write to."""
    for name, value in variables(endpoint).items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{uuid.uuid4().hex}"


@pytest.fixture
def s3(endpoint: str) -> Any:
    """Return a client of the server that is not the product's."""
    return client(variables(endpoint))
