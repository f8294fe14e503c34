"""Extraction of one member from a 7z or zip archive.

`extract_member` writes the bytes of one member under a fixed name; names from the archive never become paths.
It raises SourceError for an archive with a path that leaves the extraction directory (`..`, an absolute path,
a drive letter), with a link or a device, that is encrypted, truncated or corrupt, and for a member that
expands past `max_bytes`. The size is checked as declared, and again while the bytes are written.
"""

from __future__ import annotations

import errno
import re
import stat
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import py7zr

from warehouse.errors import SourceError

CHUNK_BYTES = 1024 * 1024
# zipfile limits the output of each read for these two methods; for bzip2 and LZMA it does not.
ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# Errors of the disk, not of the archive: a full disk must not be reported as a corrupt file.
DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO, errno.EFBIG})
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True)
class Member:
    """One entry of an archive's directory; `size` is the expanded size in bytes."""

    name: str
    size: int
    is_directory: bool
    is_file: bool
    is_encrypted: bool


def extract_member(
    path: Path,
    work: Path,
    *,
    source: str,
    file: str,
    kind: Literal["7z", "zip"],
    max_bytes: int,
    member: str | None = None,
) -> Path:
    """Write one member of the archive at `path` into the directory `work` and return its path.

    `source` and `file` name the publisher's table and the archive in error messages. `max_bytes` limits the
    expanded size. If `member` is None the archive must have exactly one file. Raises SourceError for an
    archive that cannot be extracted safely, and OSError if the disk fails; both remove the partial file.
    """
    target = work / f"{file}.member"
    try:
        if kind == "7z":
            _extract_7z(path, target, source, file, max_bytes, member)
        else:
            _extract_zip(path, target, source, file, max_bytes, member)
    except SourceError:
        target.unlink(missing_ok=True)
        raise
    except Exception as error:
        target.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in DISK_ERRORS:
            raise
        # The libraries raise many types for a broken archive (EOFError, struct.error, TypeError).
        raise SourceError(
            source,
            f"the {kind} archive is truncated, corrupt or not a {kind} archive: {_error_text(error)}",
            file=file,
            remedy="Fetch the file again; if its size is as the publisher announces, inspect the file",
        ) from error
    return target


def _extract_7z(path: Path, target: Path, source: str, file: str, max_bytes: int, member: str | None) -> None:
    try:
        with (
            py7zr.SevenZipFile(path, "r", max_extract_size=max_bytes) as archive,
            tempfile.TemporaryDirectory(dir=target.parent) as scratch,
        ):
            is_encrypted = archive.needs_password()
            selected = select_member(
                [
                    Member(info.filename, info.uncompressed, info.is_directory, info.is_file, is_encrypted)
                    for info in archive.list()
                ],
                source=source,
                file=file,
                max_bytes=max_bytes,
                member=member,
            )
            archive.extract(path=scratch, targets=[selected.name])
            extracted = Path(scratch, selected.name)
            extracted.chmod(0o600)  # the archive may set a mode without read permission
            extracted.replace(target)
    except py7zr.PasswordRequired as error:
        raise SourceError(source, "the 7z archive is encrypted", file=file) from error
    except py7zr.DecompressionBombError as error:
        raise _size_error(source, file, max_bytes) from error


def _extract_zip(
    path: Path, target: Path, source: str, file: str, max_bytes: int, member: str | None
) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        selected = select_member(
            [_zip_member(info) for info in entries],
            source=source,
            file=file,
            max_bytes=max_bytes,
            member=member,
        )
        info = next(info for info in entries if info.orig_filename == selected.name)
        if info.compress_type not in ZIP_METHODS:
            raise SourceError(
                source,
                f"the zip member is compressed with method {info.compress_type}, not deflate",
                file=file,
            )
        with archive.open(info) as packed, target.open("wb") as out:
            copy_capped(packed, out, source=source, file=file, max_bytes=max_bytes)


def _zip_member(info: zipfile.ZipInfo) -> Member:
    kind = stat.S_IFMT(info.external_attr >> 16)
    return Member(
        name=info.orig_filename,
        size=info.file_size,
        is_directory=info.is_dir(),
        is_file=not info.is_dir() and kind in (0, stat.S_IFREG),
        is_encrypted=bool(info.flag_bits & 0x1),
    )


def select_member(
    members: Iterable[Member], *, source: str, file: str, max_bytes: int, member: str | None
) -> Member:
    """Return the file to extract. Raises SourceError for an unsafe path, a link, encryption or its size."""
    files = []
    for entry in members:
        if leaves_directory(entry.name):
            raise SourceError(
                source,
                f"the archive has a path that leaves the extraction directory: {entry.name!r}",
                file=file,
                remedy="Do not extract the archive by hand; ask the publisher",
            )
        if entry.is_directory:
            continue
        if not entry.is_file:
            raise SourceError(source, f"the archive has a link or a device: {entry.name!r}", file=file)
        files.append(entry)
    wanted = [entry for entry in files if member is None or entry.name == member]
    if len(wanted) != 1:
        expected = "exactly one file" if member is None else f"exactly one file {member!r}"
        names = ", ".join(repr(entry.name) for entry in files[:10]) or "none"
        raise SourceError(source, f"the archive must have {expected}; it has {names}", file=file)
    if wanted[0].is_encrypted:
        raise SourceError(source, f"the archive's member {wanted[0].name!r} is encrypted", file=file)
    if wanted[0].size > max_bytes:
        raise _size_error(source, file, max_bytes)
    return wanted[0]


def leaves_directory(name: str) -> bool:
    """Return whether a member's name could lead out of the extraction directory on any operating system."""
    parts = name.replace("\\", "/").split("/")
    return parts[0] == "" or ".." in parts or "\0" in name or _DRIVE.match(name) is not None


def copy_capped(packed: IO[bytes], out: IO[bytes], *, source: str, file: str, max_bytes: int) -> None:
    """Copy a stream in chunks. Raises SourceError before more than `max_bytes` bytes are written."""
    written = 0
    while chunk := packed.read(CHUNK_BYTES):
        written += len(chunk)
        if written > max_bytes:
            raise _size_error(source, file, max_bytes)
        out.write(chunk)


def _size_error(source: str, file: str, max_bytes: int) -> SourceError:
    return SourceError(
        source,
        f"the archive expands past the limit of {max_bytes} bytes",
        file=file,
        remedy="If the publisher's table has grown that much, raise the limit in the source's module",
    )


def _error_text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
