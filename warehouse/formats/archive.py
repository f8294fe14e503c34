"""One agreed member out of a 7z or zip archive, and nothing else out of it.

Keeps: the bytes of the member, written under a name of ours, so that no foreign name reaches the disk.

Refuses: an archive in which any path climbs out (`..`, absolute, a drive letter), any member that is
neither a plain file nor a directory (links, devices), no file or more than one where no member is
named, anything encrypted, truncated or corrupt, and whatever would expand past `max_bytes`: by its own
declaration, and again while the bytes come out, since a declaration can lie.
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
# zipfile bounds each step of these two; bzip2 and LZMA inside a zip are expanded without a bound.
ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What the disk says, and not the archive: a full disk must not be reported as a corrupt file.
DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO, errno.EFBIG})
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True)
class Member:
    """One entry of an archive as its directory declares it; `size` is in bytes, expanded."""

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
    """Write one member of the archive at `path` into `work` and return where it is.

    Without `member` the archive must hold exactly one file. `max_bytes` bounds the expanded size.
    Raises `SourceError` naming `file` for whatever the module refuses, and the `OSError` of a disk that
    fails; in either case nothing of the member is left in `work`.
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
        # A broken archive makes the libraries raise almost anything (EOFError, struct.error, TypeError).
        raise SourceError(
            source,
            f"the {kind} archive is truncated, corrupt or not a {kind} archive: {_said(error)}",
            file=file,
            remedy="Fetch it again; if the size is what the publisher announces, look at the file.",
        ) from error
    return target


def _extract_7z(path: Path, target: Path, source: str, file: str, max_bytes: int, member: str | None) -> None:
    try:
        with (
            py7zr.SevenZipFile(path, "r", max_extract_size=max_bytes) as archive,
            tempfile.TemporaryDirectory(dir=target.parent) as scratch,
        ):
            is_encrypted = archive.needs_password()
            agreed = agreed_member(
                [
                    Member(info.filename, info.uncompressed, info.is_directory, info.is_file, is_encrypted)
                    for info in archive.list()
                ],
                source=source,
                file=file,
                max_bytes=max_bytes,
                member=member,
            )
            archive.extract(path=scratch, targets=[agreed.name])
            extracted = Path(scratch, agreed.name)
            extracted.chmod(0o600)  # the archive may carry a mode that nobody can read
            extracted.replace(target)
    except py7zr.PasswordRequired as error:
        raise SourceError(source, "the 7z archive is encrypted", file=file) from error
    except py7zr.DecompressionBombError as error:
        raise _past_the_cap(source, file, max_bytes) from error


def _extract_zip(
    path: Path, target: Path, source: str, file: str, max_bytes: int, member: str | None
) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        agreed = agreed_member(
            [_zip_member(info) for info in entries],
            source=source,
            file=file,
            max_bytes=max_bytes,
            member=member,
        )
        info = next(info for info in entries if info.orig_filename == agreed.name)
        if info.compress_type not in ZIP_METHODS:
            raise SourceError(
                source, f"the zip member is packed by method {info.compress_type}, not deflate", file=file
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


def agreed_member(
    members: Iterable[Member], *, source: str, file: str, max_bytes: int, member: str | None
) -> Member:
    """Return the one file to extract; raise `SourceError` when the archive's directory is not agreeable."""
    files = []
    for entry in members:
        if climbs_out(entry.name):
            raise SourceError(
                source,
                f"the archive holds a path that climbs out of it: {entry.name!r}",
                file=file,
                remedy="Do not open it by hand; ask the publisher.",
            )
        if entry.is_directory:
            continue
        if not entry.is_file:
            raise SourceError(source, f"the archive holds a link or device: {entry.name!r}", file=file)
        files.append(entry)
    wanted = [entry for entry in files if member is None or entry.name == member]
    if len(wanted) != 1:
        expected = "exactly one file" if member is None else f"exactly one file {member!r}"
        held = ", ".join(repr(entry.name) for entry in files[:10]) or "none"
        raise SourceError(source, f"the archive must hold {expected}, and holds {held}", file=file)
    if wanted[0].is_encrypted:
        raise SourceError(source, f"the archive's member {wanted[0].name!r} is encrypted", file=file)
    if wanted[0].size > max_bytes:
        raise _past_the_cap(source, file, max_bytes)
    return wanted[0]


def climbs_out(name: str) -> bool:
    """Tell whether a member's name could lead out of the directory it is extracted to, on any system."""
    parts = name.replace("\\", "/").split("/")
    return parts[0] == "" or ".." in parts or "\0" in name or _DRIVE.match(name) is not None


def copy_capped(packed: IO[bytes], out: IO[bytes], *, source: str, file: str, max_bytes: int) -> None:
    """Copy a stream in chunks, and raise `SourceError` before more than `max_bytes` bytes are written."""
    written = 0
    while chunk := packed.read(CHUNK_BYTES):
        written += len(chunk)
        if written > max_bytes:
            raise _past_the_cap(source, file, max_bytes)
        out.write(chunk)


def _past_the_cap(source: str, file: str, max_bytes: int) -> SourceError:
    return SourceError(
        source,
        f"the archive expands past the cap of {max_bytes} bytes",
        file=file,
        remedy="If the publisher's table has really grown that much, raise the cap in the source's file.",
    )


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
