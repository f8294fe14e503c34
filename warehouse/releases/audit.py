"""Recomputing every recorded checksum of the landing and of the releases; nothing is changed.

Checked are the files and parsed rows of each vintage against its manifest, the chain of vintages, the logs of
polls and withdrawals, the database and Parquet files of each release against its manifest, the vintages of a
release against the landing, and `latest` against the history.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.arrow import pa, pq
from warehouse.errors import WarehouseError
from warehouse.files import ACCESS_REMEDY, Listing, describe_unreadable, directories_with, sha256_of
from warehouse.landing import store, withdraw
from warehouse.landing.parse import digest_rows
from warehouse.landing.remake import can_remake
from warehouse.landing.store import LANDING_REMEDY, read_vintage
from warehouse.landing.store import MANIFEST as VINTAGE_MANIFEST
from warehouse.model import Vintage
from warehouse.releases.history import HISTORY, HISTORY_REMEDY, last_switch, read_history
from warehouse.releases.lost import is_gone, lost_vintages
from warehouse.releases.manifest import MANIFEST, RELEASE_REMEDY, read_manifest
from warehouse.releases.store import (
    LATEST,
    LATEST_REMEDY,
    latest_name,
    latest_problem,
    release_dirs,
    switching,
)
from warehouse.sources import SOURCES

LINEAGE = ("_file", "_row")
DAMAGED_VINTAGE_REMEDY = (
    "Restore it from the backup of the landing; a publisher may have replaced the file, so fetching again is "
    "not enough. If there is no backup, record the loss: `warehouse vintages withdraw SOURCE VINTAGE --why …`"
)
DAMAGED_RELEASE_REMEDY = (
    "If it is the current release, roll back with `warehouse rollback RELEASE --why …`; then restore it from "
    "the backup, or build it again with `warehouse publish --force`"
)
Digests = dict[tuple[str, str], str]


@dataclass(frozen=True)
class Damage:
    """A file that differs from its record: its path, what differs, and what to do."""

    path: str
    what: str
    remedy: str


@dataclass(frozen=True)
class AuditReport:
    """How many vintages, releases and files (with their bytes) were checked, and the findings."""

    vintages: int
    releases: int
    files: int
    size_bytes: int
    findings: tuple[Damage, ...]


def audit(landing: Path, published: Path) -> AuditReport:
    """Check everything that is landed and published. An empty landing is a finding.

    A release that another process removes on record meanwhile, as a refresh does, is left out.
    """
    checked: list[int] = []
    digests: Digests = {}
    findings: list[Damage] = []
    sources = _sources(landing)
    landed = _landed_vintages(sources)
    vintages, releases = landed.records, release_dirs(published)
    for problem in landed.problems:
        findings.append(_unreadable(Path(problem.partition(": cannot be read")[0]), problem, LANDING_REMEDY))
    for vintage in vintages:
        findings += _audit_vintage(vintage, checked, digests)
    findings += _audit_logs(sources)
    if not vintages and not landed.problems:
        findings.append(Damage(str(landing), "there is no vintage to audit", "Check WAREHOUSE_HOME"))
    removed = 0
    for release in releases:
        sizes: list[int] = []
        found = tuple(_audit_release(release, sizes, digests, landing))
        if is_removed(release):
            removed += 1
            continue
        checked += sizes
        findings += found
    findings += _audit_latest(published)
    return AuditReport(len(vintages), len(releases) - removed, len(checked), sum(checked), tuple(findings))


def _sources(landing: Path) -> Listing[Path]:
    """Return the directories of all sources, and a message if the landing cannot be looked into."""
    try:
        return Listing(tuple(sorted(path for path in landing.iterdir() if path.is_dir())))
    except FileNotFoundError:
        return Listing(())
    except OSError as error:
        return Listing((), (describe_unreadable(landing, error, LANDING_REMEDY),))


def _landed_vintages(sources: Listing[Path]) -> Listing[Path]:
    """Return the directories of all vintages, and a message for each directory that cannot be looked into."""
    found = [directories_with(source, VINTAGE_MANIFEST, LANDING_REMEDY) for source in sources.records]
    problems = tuple(problem for one in found for problem in one.problems)
    return Listing(tuple(path for one in found for path in one.records), sources.problems + problems)


def _audit_logs(sources: Listing[Path]) -> Iterator[Damage]:
    """Yield the lines of the logs of polls and of withdrawals that cannot be read, and logs as a whole."""
    for source in sources.records:
        polls = store.list_checks(source.parent, source.name).problems
        yield from (_unreadable(source / store.CHECKS, one, store.CHECKS_REMEDY) for one in polls)
        decisions = withdraw.list_events(source.parent, source.name).problems
        yield from (_unreadable(source / withdraw.LOG, one, LANDING_REMEDY) for one in decisions)


def is_removed(release: Path) -> bool:
    """Tell whether a release is gone as it should be: removed on record, or never registered.

    A publish or a refresh during which `latest` is switched takes its release away before it is in the
    history. A release that the history has, without its removal, is lost.
    """
    if release.exists():
        return False
    actions = {one.action for one in read_history(release.parent).records if one.release == release.name}
    return not actions or "remove" in actions


def _audit_vintage(directory: Path, checked: list[int], digests: Digests) -> Iterator[Damage]:
    """Yield the findings on one vintage, and add the digest of its rows to `digests`."""
    try:
        vintage = read_vintage(directory)
    except WarehouseError as error:
        yield _unreadable(directory / VINTAGE_MANIFEST, str(error), DAMAGED_VINTAGE_REMEDY)
        return
    digests[(directory.parent.name, directory.name)] = vintage.rows_digest
    if (vintage.source, vintage.id) != (directory.parent.name, directory.name):
        what = f"is the manifest of {vintage.source} vintage {vintage.id}"
        yield Damage(str(directory / VINTAGE_MANIFEST), what, DAMAGED_VINTAGE_REMEDY)
    previous = vintage.previous_vintage and directory.parent / vintage.previous_vintage
    if previous and is_gone(previous):
        yield Damage(str(previous), "this accepted vintage is missing", DAMAGED_VINTAGE_REMEDY)
    files, rows = {directory / "files" / file.name: file.sha256 for file in vintage.files}, vintage.rows_path
    yield from _audit_files(files, checked, DAMAGED_VINTAGE_REMEDY)
    damage = list(_audit_files({rows: vintage.rows_sha256}, checked, rows_remedy(vintage)))
    yield from damage
    for path in sorted(set((directory / "files").glob("*")) - files.keys()):
        moved = "Find out who put it there, and move it away"
        yield Damage(str(path), "no manifest lists this file", moved)
    if not rows.exists():
        return
    remedy = damage[0].remedy if damage else DAMAGED_VINTAGE_REMEDY
    try:
        columns = tuple(name for name in pq.read_schema(rows).names if name not in LINEAGE)
        found = pq.read_metadata(rows).num_rows, digest_rows(rows, columns)
    except (pa.ArrowException, duckdb.Error, OSError) as error:
        yield Damage(str(rows), f"cannot be read ({error})", remedy)
    else:
        if found != (vintage.row_count, vintage.rows_digest):
            yield Damage(str(rows), "the rows are not those that were accepted", remedy)


def rows_remedy(vintage: Vintage) -> str:
    """Return what to do about a missing or damaged `rows.parquet`; only the present reader makes it again."""
    source = SOURCES.get(vintage.source)
    if source is None or not can_remake(source, vintage):
        return DAMAGED_VINTAGE_REMEDY
    return (
        f"Move it away if it is there, and make it again from the archived files: warehouse fetch "
        f"{vintage.source}. If they are damaged too: restore the vintage from the backup of the landing"
    )


def _audit_release(directory: Path, checked: list[int], digests: Digests, landing: Path) -> Iterator[Damage]:
    """Yield the findings on one release; `digests` are those of the vintages that can be read.

    A vintage whose manifest cannot be read is a finding of its own.
    """
    path = directory / MANIFEST
    try:
        manifest = read_manifest(directory)
    except WarehouseError as error:
        yield _unreadable(path, str(error), DAMAGED_RELEASE_REMEDY)
        return
    yield from _audit_files(manifest.checksums(directory), checked, DAMAGED_RELEASE_REMEDY)
    lost = lost_vintages(landing, manifest)
    for entry in manifest.vintages:
        digest = digests.get((entry.source, entry.vintage), entry.rows_digest)
        if entry.ref in lost or digest != entry.rows_digest:
            vintage = f"{entry.source} vintage {entry.vintage}"
            what = f"it was built from {vintage}, which the landing does not have with these rows"
            yield Damage(str(path), what, DAMAGED_VINTAGE_REMEDY)


def _audit_latest(published: Path) -> tuple[Damage, ...]:
    """Return the findings on the history and on `latest`, without those of a switch that is under way.

    A switch is recorded first. What is found is therefore looked at again when no process switches `latest`;
    it is returned as it was when that state is not reached, or this user may not lock it.
    """
    findings = tuple(_findings_on_latest(published))
    if not findings:
        return ()
    try:
        with switching(published):
            return tuple(_findings_on_latest(published))
    except (WarehouseError, OSError):
        return findings


def _findings_on_latest(published: Path) -> Iterator[Damage]:
    """Yield the findings on the history and on `latest` as they are now."""
    history, latest, link = read_history(published), latest_name(published), str(published / LATEST)
    for line in history.problems:
        yield _unreadable(published / HISTORY, line, HISTORY_REMEDY)
    if problem := latest_problem(published):
        what = problem.removeprefix(f"{link}: ")
        yield Damage(link, what, LATEST_REMEDY)
        return
    switch = last_switch(history.records)
    if switch is not None and switch.after != latest:
        what = f"points at {latest}, but the last switch in the history is to {switch.after}"
        remedy = (
            "A switch was interrupted, or the link was changed by hand. "
            f"`warehouse rollback {switch.after} --why …` makes it what the history says"
        )
        yield Damage(link, what, remedy)


def _audit_files(files: dict[Path, str], checked: list[int], remedy: str) -> Iterator[Damage]:
    """Yield the files that are missing, unreadable, or do not have their checksum.

    Adds the size of each file that was read, in bytes, to `checked`.
    """
    for path, sha256 in files.items():
        try:
            found, size = sha256_of(path), path.stat().st_size
        except OSError as error:
            yield _unreadable(path, describe_unreadable(path, error, remedy), remedy)
            continue
        checked.append(size)
        if found != sha256:
            yield Damage(str(path), f"sha256 is {found}, recorded is {sha256}", remedy)


def _unreadable(path: Path, message: str, remedy: str) -> Damage:
    """Return the finding for a record that cannot be read: its message without the path, and `remedy` once.

    Another remedy at the end of the message is left out; one for a lack of permission is kept in place of
    `remedy`.
    """
    what = message.removeprefix(str(path)).lstrip(":, ")
    if what.endswith(f". {ACCESS_REMEDY}"):
        remedy = ACCESS_REMEDY
    for printed in (LANDING_REMEDY, RELEASE_REMEDY, HISTORY_REMEDY, remedy):
        what = what.removesuffix(f". {printed}")
    return Damage(str(path), what, remedy)
