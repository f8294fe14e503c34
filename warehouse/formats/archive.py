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
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Literal, NamedTuple

from warehouse.errors import SourceError
from warehouse.model import Note, no_note

CHUNK_BYTES = 1024 * 1024
# zipfile limits the output of each read for these two methods; for bzip2 and LZMA it does not.
ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# Names of other methods, APPNOTE.TXT 4.4.5. Windows packs files over 2 GB with Deflate64.
OTHER_ZIP_METHODS = {9: " (Deflate64)", 12: " (bzip2)", 14: " (LZMA)", 93: " (Zstandard)", 95: " (XZ)"}
# Errors of the disk, not of the archive: a full disk must not be reported as a corrupt file.
DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO, errno.EFBIG})
REPACK = (
    "Extract the file, pack it alone with deflate (zip -9), and serve it from a mirror (WAREHOUSE_MIRROR)"
)
Fail = partial[SourceError]  # makes an error that names the publisher's table and the archive
_DRIVE = re.compile(r"[A-Za-z]:")


class Member(NamedTuple):
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
    suffix: str = "",
    note: Note = no_note,
) -> Path:
    """Write one member of the archive at `path` into the directory `work` and return its path.

    `source` and `file` name the publisher's table and the archive in error messages and notes. `max_bytes`
    limits the expanded size. The archive must have exactly one file whose name ends in `suffix`, or exactly
    one file that is no archive; every other file is noted as drift, those that macOS adds are not counted.
    Raises SourceError for an archive that cannot be extracted safely, and OSError if the disk fails; both
    remove the partial file.
    """
    target = work / f"{file}.member"
    fail = partial(SourceError, source, file=file)
    further = partial(note, file)
    try:
        if kind == "7z":
            _extract_7z(path, target, suffix, max_bytes, fail, further)
        else:
            _extract_zip(path, target, suffix, max_bytes, fail, further)
    except Exception as error:  # the libraries raise many types for a broken archive, such as TypeError
        target.unlink(missing_ok=True)
        if isinstance(error, SourceError) or (isinstance(error, OSError) and error.errno in DISK_ERRORS):
            raise
        raise fail(
            f"the {kind} archive is truncated, corrupt or not a {kind} archive: "
            + f"{type(error).__name__}: {error}".removesuffix(": "),
            remedy="Fetch the file again; if its size is as the publisher announces, inspect the file",
        ) from error
    return target


def _extract_7z(
    path: Path, target: Path, suffix: str, max_bytes: int, fail: Fail, further: Callable[[str], None]
) -> None:
    import py7zr  # it takes 0.1 s to import, and one source needs it

    try:
        with (
            py7zr.SevenZipFile(path, "r", max_extract_size=max_bytes) as archive,
            tempfile.TemporaryDirectory(dir=target.parent) as scratch,
        ):
            is_encrypted = archive.needs_password()
            members = [
                Member(info.filename, info.uncompressed, info.is_directory, info.is_file, is_encrypted)
                for info in archive.list()
            ]
            selected = select_member(members, suffix, max_bytes, fail, further)
            archive.extract(path=scratch, targets=[selected.name])
            extracted = Path(scratch, selected.name)
            extracted.chmod(0o600)  # the archive may set a mode without read permission
            extracted.replace(target)
    except py7zr.PasswordRequired as error:
        raise fail("the 7z archive is encrypted") from error
    except py7zr.DecompressionBombError as error:
        raise _size_error(max_bytes, fail) from error


def _extract_zip(
    path: Path, target: Path, suffix: str, max_bytes: int, fail: Fail, further: Callable[[str], None]
) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = {info.orig_filename: info for info in archive.infolist()}
        members = [
            Member(
                name=info.orig_filename,
                size=info.file_size,
                is_directory=info.is_dir(),
                is_file=not info.is_dir() and stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG),
                is_encrypted=bool(info.flag_bits & 0x1),
            )
            for info in archive.infolist()
        ]
        info = entries[select_member(members, suffix, max_bytes, fail, further).name]
        if info.compress_type not in ZIP_METHODS:
            raise fail(
                f"the zip member {info.orig_filename!r} is compressed with method {info.compress_type}"
                f"{OTHER_ZIP_METHODS.get(info.compress_type, '')}, not deflate",
                remedy=REPACK,
            )
        with archive.open(info) as packed, target.open("wb") as out:
            copy_capped(packed, out, max_bytes, fail)


def select_member(
    members: Sequence[Member],
    suffix: str,
    max_bytes: int,
    fail: Fail,
    further: Callable[[str], None],
) -> Member:
    """Return the file to extract, and report the others to `further`.

    Raises SourceError for an unsafe path, a link, encryption or its size.
    """
    files = [entry for entry in members if not entry.is_directory]
    for entry in members:
        if leaves_directory(entry.name):
            raise fail(
                f"the archive has a path that leaves the extraction directory: {entry.name!r}",
                remedy="Do not extract the archive by hand; ask the publisher",
            )
        if not entry.is_directory and not entry.is_file:
            raise fail(f"the archive has a link or a device: {entry.name!r}")
    files = [entry for entry in files if not is_of_macos(entry.name)]
    selected = [entry for entry in files if entry.name.casefold().endswith(suffix)]
    has_archive = any(entry.name.casefold().endswith((".zip", ".7z")) for entry in files)
    if not selected and len(files) == 1 and not has_archive:
        selected = files  # whatever its name: the reader checks what it holds
        further(f"the file in the archive is named {files[0].name!r}")
    if len(selected) != 1:
        expected = f"exactly one file {f'*{suffix}' if suffix else ''}".rstrip()
        names = ", ".join(repr(entry.name) for entry in files[:10]) or "none"
        raise fail(
            f"the archive must have {expected}; it has {names}", remedy=REPACK if has_archive else None
        )
    if selected[0].is_encrypted:
        raise fail(f"the archive's member {selected[0].name!r} is encrypted")
    if selected[0].size > max_bytes:
        raise _size_error(max_bytes, fail)
    for entry in files:
        if entry is not selected[0]:
            further(f"further file {entry.name!r} in the archive")
    return selected[0]


def is_of_macos(name: str) -> bool:
    """Return whether macOS added a member: it keeps attributes of files in these."""
    parts = name.split("/")
    return parts[0] == "__MACOSX" or parts[-1] == ".DS_Store"


def leaves_directory(name: str) -> bool:
    """Return whether a member's name could lead out of the extraction directory on any operating system."""
    parts = name.replace("\\", "/").split("/")
    return parts[0] == "" or ".." in parts or "\0" in name or _DRIVE.match(name) is not None


def copy_capped(packed: IO[bytes], out: IO[bytes], max_bytes: int, fail: Fail) -> None:
    """Copy a stream in chunks. Raises SourceError before more than `max_bytes` bytes are written."""
    written = 0
    while chunk := packed.read(CHUNK_BYTES):
        written += len(chunk)
        if written > max_bytes:
            raise _size_error(max_bytes, fail)
        out.write(chunk)


def _size_error(max_bytes: int, fail: Fail) -> SourceError:
    return fail(
        f"the archive expands past the limit of {max_bytes} bytes",
        remedy="If the publisher's table has grown that much, raise the limit in the source's module",
    )
