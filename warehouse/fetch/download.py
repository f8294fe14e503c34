"""A file to download, what came with it, and the errors on the way."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from warehouse.errors import SourceError, WarehouseError
from warehouse.fetch.secrets import without_secrets

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True)
class Download:
    """One request of a source, and the `.part` file of at most `max_bytes` that its answer is written to.

    `conditions` are headers that allow a 304. `progress` is called with the bytes written so far.
    """

    source: str
    address: str
    part: Path
    max_bytes: int
    progress: Callable[[int], None] = lambda size: None
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    conditions: Mapping[str, str] = field(default_factory=dict)

    def error(self, reason: str, remedy: str, file: str | None = None) -> SourceError:
        """Return a SourceError that names the address, without its secrets."""
        return SourceError(
            self.source, reason, address=without_secrets(self.address), file=file, remedy=remedy
        )

    def too_large(self, size: str) -> SourceError:
        """Return the error for an answer above `max_bytes`; `size` says how much came."""
        return self.error(
            f"the answer is too large: {size}, the limit is {self.max_bytes}",
            "If the publisher's table has grown, raise max_bytes of the request in the source",
        )


@dataclass(frozen=True)
class Answer:
    """What the headers of an accepted response state; all None for a copied file."""

    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    is_not_modified: bool = False


class TransientError(Exception):
    """A failure that another attempt may not meet. `retry_after` is what the server asks for, in seconds."""

    def __init__(self, reason: str, *, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Raise WarehouseError with a remedy for an OSError while `path` is written."""
    try:
        yield
    except OSError as error:
        remedy = "Check that its directory exists and is writable, and run again"
        if error.errno in DISK_FULL:
            remedy = "Free space on that disk, or point WAREHOUSE_HOME at a larger one, and run again"
        raise WarehouseError(
            f"could not write {path}: {error.strerror or error}. {remedy}; no file of this pull was accepted"
        ) from error
