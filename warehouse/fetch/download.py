"""A file to download, and the errors on the way, without credentials in their addresses and texts."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from warehouse.errors import SourceError, WarehouseError
from warehouse.masking import without_secrets
from warehouse.model import KEY_MASK, Request

FILE_NAME = re.compile(r"[^\s./\\:\x00-\x1f][^/\\:\x00-\x1f]{0,199}")  # a plain name, without a directory


class TransientError(Exception):
    """A failure that another attempt may not meet. `retry_after` is what the server asks for, in seconds."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Download:
    """One request of a source, and the `.part` file that its answer is written to.

    `conditions` are headers that allow a 304. `progress` is called with the bytes written so far. `key` is
    the publisher's key in the address, which neither a message nor the stored answer may have.
    """

    source: str
    request: Request
    part: Path
    progress: Callable[[int], None] = lambda size: None
    conditions: Mapping[str, str] = field(default_factory=dict)
    key: str | None = field(default=None, repr=False)

    def without_key(self, text: bytes) -> bytes:
        """Return bytes of an answer with the key masked: some publishers repeat the request in the answer."""
        if not self.key:
            return text
        return re.sub(re.escape(self.key.encode()), KEY_MASK.encode(), text, flags=re.IGNORECASE)

    def error(
        self, reason: str, remedy: str, *, file: str | None = None, address: str | None = None
    ) -> SourceError:
        """Return a SourceError that names the address, by default that of the request, without secrets."""
        masked = without_secrets(address or self.request.address)
        return SourceError(self.source, reason, address=masked, file=file, remedy=remedy)

    def too_large(self, size: str) -> SourceError:
        """Return the error for an answer above the limit of the request; `size` says how much came."""
        return self.error(
            f"the answer is too large: {size}, the limit is {self.request.max_bytes}",
            "If the publisher's table has grown, raise max_bytes of the request in the source",
        )


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Raise WarehouseError with a remedy for an OSError while `path` is written."""
    try:
        yield
    except OSError as error:
        remedy = "Check that its directory exists and is writable, and run again"
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            remedy = "Free space on that disk, or point WAREHOUSE_HOME at a larger one, and run again"
        raise WarehouseError(
            f"could not write {path}: {error.strerror or error}. {remedy}; no file of this pull was accepted"
        ) from error


def copy_file(download: Download, path: Path) -> None:
    """Copy a file to the `.part` file; raise SourceError when it is missing or too large."""
    if not path.is_file():
        raise download.error(f"{path} does not exist", f"Copy that file to {path.parent} again")
    size = path.stat().st_size
    if size > download.request.max_bytes:
        raise download.too_large(f"{path} has {size} bytes")
    with disk_errors(download.part):
        shutil.copyfile(path, download.part)
    download.progress(size)


def root_cause(error: Exception) -> str:
    """Return type and text of the innermost error of requests or urllib3, without the addresses in it."""
    while causes := [e for e in (getattr(error, "reason", None), *error.args) if isinstance(e, Exception)]:
        error = causes[0]
    text = re.sub(r"^\w+\(host=[^)]*\): ", "", str(error))  # urllib3 begins with the connection's class
    text = re.sub(r"//[^\s/@]+@", "//***@", re.sub(r"\?[^\s'\")]*", "?***", text))
    return f"{type(error).__name__}: {text}"
