"""Bytes that are on the disk whole or not at all, and their checksums.

Keeps: the few operations by which every step makes its results survive a crash.
Refuses: to know what the bytes mean; imports nothing of ours.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that it is there whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        sync(partial)
    except OSError:  # a full disk, say: what was begun takes room and helps nobody
        partial.unlink(missing_ok=True)
        raise
    partial.replace(path)
    sync(path.parent)


def append_line(path: Path, line: str) -> None:
    """Append one line to a log, which a crash leaves with whole lines and at most one torn one at its end."""
    with path.open("ab+") as log:
        log.seek(0)
        log.truncate(log.read().rfind(b"\n") + 1)  # a line that a crash cut in two
        log.write(line.encode() + b"\n")
        log.flush()
        os.fsync(log.fileno())
    sync(path.parent)


def whole_lines(path: Path) -> list[str]:
    """Read the lines of a log that are whole; none when there is no log."""
    if not path.exists():
        return []
    whole, _, _torn = path.read_bytes().rpartition(b"\n")  # bytes: the cut may go through a character
    return whole.decode().split("\n") if whole else []


def sync(path: Path) -> None:
    """Have the kernel put a file or directory on the disk before we go on."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
