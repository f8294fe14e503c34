"""Durable files: atomic writes, append-only logs, checksums, locks, and the JSON codec of all records.

A record is a pydantic model. It is stored as one JSON file (`write_record`, `read_record`) or as one line of
a JSONL log (`append_record`, `read_log`). A log or a folder with an unreadable record yields a `Listing`: the
readable records, and one line for each that is not.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError

from warehouse.errors import WarehouseError

R = TypeVar("R", bound=BaseModel)
S = TypeVar("S")
T = TypeVar("T")
CHUNK_BYTES = 1 << 20
ACCESS_REMEDY = "Correct owner or mode, so that the user who runs the warehouse can read it; it may be intact"


@dataclass(frozen=True)
class Listing(Generic[T]):
    """What could be read of several records, and a message for each that could not."""

    records: tuple[T, ...]
    problems: tuple[str, ...] = ()

    def require(self) -> tuple[T, ...]:
        """Return the records; raise WarehouseError with the first problem if there is any."""
        if self.problems:
            raise WarehouseError(self.problems[0])
        return self.records


# --- bytes ---


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def size_of(directory: Path) -> int:
    """Return the bytes of all files under a directory."""
    return sum(
        (Path(parent) / name).lstat().st_size for parent, _, names in os.walk(directory) for name in names
    )


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

    An incomplete last line of an earlier crash is cut off first. One that lacks its newline only, as after an
    edit by hand, is given it.
    """
    with path.open("ab+") as log:
        log.seek(0)
        content = log.read()
        end = content.rfind(b"\n") + 1
        is_unended = _is_record(content[end:])
        if not is_unended:
            log.truncate(end)
        log.write(b"\n" * is_unended + line.encode() + b"\n")
        log.flush()
        os.fsync(log.fileno())
    fsync(path.parent)


def complete_lines(path: Path) -> list[bytes]:
    """Return the complete lines of a log, without an incomplete last one; none if there is no log.

    A last line that is a whole record is complete, with a newline after it or without.
    """
    if not path.exists():
        return []
    complete, _, tail = path.read_bytes().rpartition(b"\n")
    lines = complete.split(b"\n") if complete else []
    return [*lines, tail] if _is_record(tail) else lines


def _is_record(tail: bytes) -> bool:
    """Tell whether the end of a log is a whole JSON object; one that was cut off lacks its last brace."""
    try:
        return isinstance(json.loads(tail), dict)
    except ValueError:
        return False


def is_read_only(path: Path) -> bool:
    """Tell whether a file exists and its owner may not write it."""
    return path.is_file() and not path.stat().st_mode & 0o200


def copy_file(origin: Path, target: Path) -> str:
    """Copy a file with its time of change; return the checksum of what was copied.

    Read-only files stay so; otherwise the owner may write, and all may read.
    """
    digest = hashlib.sha256()
    with origin.open("rb") as source, target.open("wb") as copy:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    status = origin.stat()
    target.chmod(0o444 if is_read_only(origin) else 0o644)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    return digest.hexdigest()


def copy_times(origin: Path, target: Path) -> None:
    """Copy the times of change of all directories: the retention policy goes by those of rejected loads."""
    for path in sorted(target.rglob("*/"), reverse=True):
        original = origin / path.relative_to(target)
        if original.is_dir() and not path.is_symlink():
            os.utime(path, ns=(original.stat().st_atime_ns, original.stat().st_mtime_ns))


def link_tree(origin: Path, copy: Path) -> None:
    """Copy a directory by hard links: files that never change are stored once."""
    for path in sorted(origin.rglob("*")):
        if path.is_file():
            target = copy / path.relative_to(origin)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.hardlink_to(path)


def link_file(existing: Path, target: Path) -> bool:
    """Put a hard link to a file at a path, atomically; tell whether the file system could."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        partial.hardlink_to(existing)
    except OSError:
        return False
    partial.replace(target)
    fsync(target.parent)
    return True


def fsync(path: Path) -> None:
    """Flush a file or directory to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def fsync_all(paths: Iterable[Path]) -> None:
    """Flush files and directories to the disk, eight at a time: a disk writes several together."""
    with ThreadPoolExecutor(max_workers=8) as flushing:
        for _ in flushing.map(fsync, paths):
            pass  # raises what a flush raised


# --- locks ---


@contextmanager
def locked(path: Path, message: str, seconds: float = 0) -> Iterator[None]:
    """Hold a lock file for the duration of the block; the lock ends with its process.

    Raises WarehouseError with `message` when another process still holds it after `seconds`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=seconds)
    except Timeout:
        raise WarehouseError(
            f"{message} (lock {path}). Wait for it to end; the lock ends with its process"
        ) from None
    try:
        yield
    finally:
        lock.release()


# --- records ---


def record_json(record: BaseModel) -> str:
    """Return a record as indented JSON with a final newline."""
    return record.model_dump_json(indent=2, by_alias=True) + "\n"


def write_record(path: Path, record: BaseModel) -> None:
    """Write a record to a JSON file, atomically."""
    write_atomic(path, record_json(record))


def read_record(path: Path, kind: type[R], remedy: str) -> R:
    """Read a record from a JSON file; raise WarehouseError with file, field and `remedy` if it is invalid."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise WarehouseError(f"{path}: {describe_invalid(error)}. {remedy}") from error
    except OSError as error:
        raise WarehouseError(describe_unreadable(path, error, remedy)) from error


def append_record(path: Path, record: BaseModel) -> None:
    """Append a record to a log, as one line; it is on the disk when this returns."""
    append_line(path, record.model_dump_json(by_alias=True))


def read_log(path: Path, kind: type[R], remedy: str) -> Listing[R]:
    """Read all records of a log, oldest first; an incomplete last line is left out."""
    records: list[R] = []
    problems: list[str] = []
    for number, line in enumerate(complete_lines(path), start=1):
        try:
            records.append(kind.model_validate_json(line))
        except ValidationError as error:
            problems.append(f"{path}, line {number}: {describe_invalid(error)}. {remedy}")
    return Listing(tuple(records), tuple(problems))


def list_log(path: Path, kind: type[R], remedy: str) -> Listing[R]:
    """Return what `read_log` does; a log that cannot be opened is a problem too."""
    try:
        return read_log(path, kind, remedy)
    except OSError as error:
        return Listing((), (describe_unreadable(path, error, remedy),))


def directories_with(folder: Path, name: str, remedy: str) -> Listing[Path]:
    """Return the visible directories of a folder that have a file of this name, in order of their names.

    The listing has a message with `remedy` for the folder, or each directory, that cannot be looked into.
    """
    try:
        found = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        return Listing(())
    except OSError as error:
        return Listing((), (describe_unreadable(folder, error, remedy),))
    known = read_each(found, lambda path: path if is_there(path / name, remedy) else None)
    return Listing(tuple(path for path in known.records if path), known.problems)


def is_there(path: Path, remedy: str) -> bool:
    """Tell whether a file exists; raise WarehouseError with `remedy` if its directory hides that."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise WarehouseError(describe_unreadable(path, error, remedy)) from error
    return True


def describe_unreadable(path: Path, error: OSError, remedy: str) -> str:
    """Return the message about a path that cannot be read, with its error and `remedy`.

    For a lack of permission it names owner and mode of the path that denies it, and another remedy: nothing
    is known to be damaged.
    """
    reason = error.strerror or str(error)
    if not isinstance(error, PermissionError):
        return f"{path}: cannot be read ({reason}). {remedy}"
    return f"{path}: cannot be read ({reason}; {_describe_denial(path)}). {ACCESS_REMEDY}"


def _describe_denial(path: Path) -> str:
    """Return owner and mode of a path, or of the directory that hides it."""
    for held in (path, *path.parents):
        try:
            status = held.lstat()
        except OSError:  # hidden by a directory above
            continue
        what = "" if held == path else f" of {held}"
        return f"owner{what} is user {status.st_uid}, mode {status.st_mode & 0o7777:03o}"
    return "owner unknown"


def read_each(paths: Iterable[S], read: Callable[[S], T]) -> Listing[T]:
    """Read one record from each path, or other origin; a WarehouseError of `read` becomes a problem."""
    records: list[T] = []
    problems: list[str] = []
    for path in paths:
        try:
            records.append(read(path))
        except WarehouseError as error:
            problems.append(str(error))
    return Listing(tuple(records), tuple(problems))


def describe_invalid(error: ValidationError) -> str:
    """Return the first fault of an invalid record: its field, if it has one, and what is wrong."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    return f"invalid record ({f'{field}: ' if field else ''}{first['msg']})"
