"""Recomputes every checksum that was ever written down.

Keeps: each accepted vintage's files and parsed rows against its manifest, the chain of vintages without a
gap, each release's database and Parquet files against its MANIFEST, the vintages that a release names
against the landing, and `latest` against the history. What is wrong is named with its file and what to do.

Refuses: to mend, move or write anything; to call an empty warehouse whole, since an audit that looked at
nothing has found nothing out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.files import sha256_of

LINEAGE = ("_file", "_row")
Digest = Callable[[Path, tuple[str, ...]], str]
FROM_BACKUP = (
    "Restore it from the backup of the landing; bytes that a publisher has replaced can't be fetched again"
)
RELEASE_REMEDY = (
    "Roll back to a whole release if readers see this one; then restore it from the backup, or build it "
    "anew with `warehouse publish --force`"
)


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was written down: where, what, and what to do."""

    path: str
    what: str
    remedy: str


@dataclass(frozen=True)
class Audit:
    """What was looked at, and what was found."""

    vintages: int
    releases: int
    files: int
    size_bytes: int
    findings: tuple[Finding, ...]


def audit(landing: Path, published: Path, pointed_at: str | None, told: str | None, digest: Digest) -> Audit:
    """Look at all that is landed and published.

    `pointed_at` is what `latest` names, `told` what the history's last move says that it should; `digest` is
    the landing's own digest of rows.
    """
    looked: list[Path] = []
    findings: list[Finding] = []
    vintages = sorted(
        path.parent for path in landing.glob("*/*/manifest.json") if not path.parent.name.startswith(".")
    )
    releases = sorted(
        path
        for path in published.glob("*")
        if path.is_dir() and not path.is_symlink() and not path.name.startswith(".")
    )
    digests: dict[tuple[str, str], str] = {}
    for vintage in vintages:
        findings += audit_vintage(vintage, digest, looked, digests)
    for release in releases:
        findings += audit_release(release, looked, digests)
    if not vintages:
        findings.append(Finding(str(landing), "there is no vintage to audit", "Is WAREHOUSE_HOME right?"))
    if pointed_at is not None and pointed_at not in {one.name for one in releases}:
        findings.append(
            Finding(
                str(published / "latest"),
                f"it points at {pointed_at}, which is not there",
                "Roll back to a release that is: `warehouse releases`, `warehouse rollback`",
            )
        )
    if told is not None and told != pointed_at:
        findings.append(
            Finding(
                str(published / "latest"),
                f"it points at {pointed_at}, and the history's last move says {told}",
                f"A move was cut off, or the link was changed by hand: `warehouse rollback {told} --why …` "
                "makes it what the history says",
            )
        )
    return Audit(
        len(vintages), len(releases), len(looked), sum(one.stat().st_size for one in looked), tuple(findings)
    )


def audit_vintage(
    directory: Path, digest: Digest, looked: list[Path], digests: dict[tuple[str, str], str]
) -> Iterator[Finding]:
    """Yield what is wrong with one accepted vintage."""
    manifest = directory / "manifest.json"
    try:
        told = json.loads(manifest.read_text(encoding="utf-8"))
        files = {directory / "files" / one["name"]: str(one["sha256"]) for one in told["files"]}
        rows, rows_sha256 = directory / "rows.parquet", str(told["rows_sha256"])
        rows_digest, row_count, previous = told["rows_digest"], told["row_count"], told["previous_vintage"]
        digests[(told["source"], told["vintage"])] = rows_digest
    except (ValueError, KeyError, TypeError) as error:
        yield Finding(str(manifest), f"unreadable ({error!r})", FROM_BACKUP)
        return
    if previous is not None and not (directory.parent / previous / "manifest.json").exists():
        yield Finding(str(directory.parent / previous), "this accepted vintage is gone", FROM_BACKUP)
    yield from audit_files({**files, rows: rows_sha256}, looked, FROM_BACKUP)
    for path in sorted((directory / "files").glob("*")):
        if path not in files:
            yield Finding(
                str(path), "no manifest tells of this file", "Find out who put it there; move it away"
            )
    if rows.exists():
        try:
            columns = tuple(name for name in pq.read_schema(rows).names if name not in LINEAGE)
            counted = pq.read_metadata(rows).num_rows
            is_right = counted == row_count and digest(rows, columns) == rows_digest
        except (pa.ArrowException, duckdb.Error, OSError) as error:
            yield Finding(str(rows), f"unreadable ({error})", FROM_BACKUP)
            return
        if not is_right:
            yield Finding(str(rows), "the rows are not those that were accepted", FROM_BACKUP)


def audit_release(
    directory: Path, looked: list[Path], digests: dict[tuple[str, str], str]
) -> Iterator[Finding]:
    """Yield what is wrong with one release."""
    manifest = directory / "MANIFEST.json"
    try:
        told: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
        files = {directory / told["database"]["file"]: str(told["database"]["sha256"])}
        files |= {
            directory / "parquet" / f"{name}.parquet": str(one["sha256"])
            for name, one in told["tables"].items()
        }
        vintages = [(one["source"], one["vintage"], one["rows_digest"]) for one in told["vintages"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        yield Finding(str(manifest), f"unreadable ({error!r})", RELEASE_REMEDY)
        return
    yield from audit_files(files, looked, RELEASE_REMEDY)
    for source, vintage, rows_digest in vintages:
        if digests.get((source, vintage)) != rows_digest:
            yield Finding(
                str(manifest),
                f"it was built from {source} vintage {vintage}, which the landing does not hold as it was",
                FROM_BACKUP,
            )


def audit_files(files: dict[Path, str], looked: list[Path], remedy: str) -> Iterator[Finding]:
    """Yield the files that are gone, can't be read, or whose bytes are not those of their checksum."""
    for path, sha256 in files.items():
        try:
            found = sha256_of(path)
        except OSError as error:
            yield Finding(str(path), f"can't be read ({error.strerror or error})", remedy)
            continue
        looked.append(path)
        if found != sha256:
            yield Finding(str(path), f"sha256 is {found}, written down is {sha256}", remedy)
