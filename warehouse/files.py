"""Durable file operations: atomic writes, append-only logs, checksums."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomic(path: Path, text: str) -> None:
    """Write a text file so that a reader, or a crash, sees the old content or the new one."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        fsync(partial)
    except OSError:  # for example a full disk: the partial file would only take space
        partial.unlink(missing_ok=True)
        raise
    partial.replace(path)
    fsync(path.parent)


def append_line(path: Path, line: str) -> None:
    """Append one line to a log. A crash leaves complete lines and at most one incomplete line at the end.

    An incomplete last line of an earlier crash is cut off first.
    """
    with path.open("ab+") as log:
        log.seek(0)
        log.truncate(log.read().rfind(b"\n") + 1)
        log.write(line.encode() + b"\n")
        log.flush()
        os.fsync(log.fileno())
    fsync(path.parent)


def complete_lines(path: Path) -> list[str]:
    """Return the complete lines of a log, without an incomplete last one; none if there is no log."""
    if not path.exists():
        return []
    complete, _, _incomplete = path.read_bytes().rpartition(b"\n")  # bytes: the cut may split a character
    return complete.decode().split("\n") if complete else []


def fsync(path: Path) -> None:
    """Flush a file or directory to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
