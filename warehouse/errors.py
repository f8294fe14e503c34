"""Exceptions that an operator can act on. Each message names what failed, where, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb


class WarehouseError(Exception):
    """A failure that an operator can act on."""


class SourceError(WarehouseError):
    """A publisher's answer, or a row of it, that differs from what the source declares.

    `address`, `file` and `row` locate the fault; `remedy` says what to do. All are part of the message.
    """

    def __init__(
        self,
        source: str,
        reason: str,
        *,
        address: str | None = None,
        file: str | None = None,
        row: int | None = None,
        remedy: str | None = None,
    ) -> None:
        """Compose the message from the source, the reason, the location and the remedy."""
        location = ", ".join(
            part
            for part in (
                f"address {address}" if address else "",
                f"file {file}" if file else "",
                f"row {row}" if row is not None else "",
            )
            if part
        )
        super().__init__(
            f"{source}: {reason}" + (f" ({location})" if location else "") + (f". {remedy}" if remedy else "")
        )
        self.source = source
        self.reason = reason
        self.address = address
        self.file = file
        self.row = row
        self.remedy = remedy


class Unavailable(SourceError):
    """A publisher that gave no complete answer in any attempt; a later attempt may succeed."""


class NotConfigured(SourceError):
    """A source that cannot be asked: the mirror has no recording of it, or its key is not set. No failure."""


class UnknownName(WarehouseError):
    """A name that an operator gave and the warehouse does not know; the message lists the known names."""


class Rejected(WarehouseError):
    """A load or a build that failed validation. A retry gives the same result."""


@contextmanager
def reporting(operation: str) -> Iterator[None]:
    """Turn an error of the operating system or of DuckDB into a WarehouseError that says what to do."""
    try:
        yield
    except (OSError, duckdb.Error) as error:
        raise as_warehouse_error(operation, error) from error


def as_warehouse_error(operation: str, error: Exception) -> WarehouseError:
    """Return an error with its remedy; a WarehouseError is returned as it is."""
    if isinstance(error, WarehouseError):
        return error
    return WarehouseError(
        f"{operation} failed: {error}. Accepted vintages and the current release are unchanged. Check the "
        "free disk space and the permissions, then run it again"
    )
