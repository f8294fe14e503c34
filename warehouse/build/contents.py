"""What a build contains: which vintages of each source, and which of them are set aside.

A source that fails does not stop the others. When a newer reader cannot parse its newest vintage again, or
that cannot be staged, or when a test or the release gate fails for it, the build uses the vintages of that
source that the current release has, says so in its record, and goes on.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import duckdb

from warehouse.build import dbt, dbt_process
from warehouse.build import load as loading
from warehouse.build.builds import BUILD_RECORD, LOADED, read_build
from warehouse.build.fingerprint import code_digest
from warehouse.build.reuse import WORKING
from warehouse.build.stage import Rows, stage
from warehouse.config import DBT_PROJECT_DIR, Settings
from warehouse.errors import Rejected, SourceError, WarehouseError
from warehouse.files import sha256_of, write_record
from warehouse.landing import parse, store
from warehouse.landing.freshness import NOT_CONFIGURED, assess
from warehouse.model import Check, Vintage
from warehouse.releases.manifest import BuildRecord, SetAside, VintageRef, entry_of, read_manifest
from warehouse.releases.store import current
from warehouse.sources import SOURCES

LOG = logging.getLogger(__name__)
REASON_LIMIT = 1000
Used = Mapping[str, tuple[Vintage, ...]]  # the vintages of each source, oldest first
T = TypeVar("T")


def known_by(vintages: tuple[Vintage, ...], day: date | None) -> tuple[Vintage, ...]:
    """Return the vintages known on or before a day; all if it is None."""
    return tuple(one for one in vintages if day is None or one.day <= day)


def require_known_day(day: date | None, vintages: Sequence[Vintage]) -> None:
    """Raise WarehouseError for a day in the future, when every source would seem late."""
    newest = max(datetime.now(UTC).date(), *(one.day for one in vintages))
    if day is not None and day > newest:
        raise WarehouseError(f"--as-of {day}: this day is in the future. Name a day until {newest}")


def known_checks(settings: Settings, name: str, day: date | None) -> tuple[Check, ...]:
    """Return the polls of a source on or before a day; all if it is None. Unreadable lines are left out.

    Polls with the outcome `not configured` are returned whatever their day is. Raises WarehouseError when no
    poll of the log can be read.
    """
    listing = store.list_checks(settings.landing, name)
    checks = listing.records or listing.require()
    return tuple(
        one for one in checks if day is None or one.checked_at.date() <= day or one.outcome == NOT_CONFIGURED
    )


def newest_day(vintages: list[Vintage], checks: Mapping[str, tuple[Check, ...]]) -> date:
    """Return the newest day that the landing knows of. A poll that received nothing does not count."""
    polled = [
        one.checked_at.date()
        for polls in checks.values()
        for one in polls
        if one.outcome not in ("failed", NOT_CONFIGURED)
    ]
    return max([one.day for one in vintages] + polled)


def known_revisions(
    release: Path | None, used: Mapping[str, tuple[Vintage, ...]]
) -> loading.KnownRevisions | None:
    """Return the revisions that a build can take from the current release, or None.

    They depend on vintages and code alone. So they hold for a source whose vintages in the release are,
    digest for digest, the first ones of the build, when the code is the same and the file has its checksum.
    """
    manifest = read_manifest(release) if release else None
    if (
        release is None
        or manifest is None
        or manifest.is_of_the_past
        or manifest.code_sha256 != code_digest()
    ):
        return None
    file = release / "parquet" / "fct_revision.parquet"
    if not file.exists() or sha256_of(file) != manifest.tables["fct_revision"].sha256:
        return None
    until = {}
    for name, vintages in used.items():
        released = [(one.vintage, one.rows_digest) for one in manifest.vintages if one.source == name]
        if released and released == [(one.id, one.rows_digest) for one in vintages[: len(released)]]:
            until[name] = released[-1][0]
    return loading.KnownRevisions(file, until) if until else None


def parsed_project(settings: Settings) -> Path:
    """Return the path of the file that keeps what dbt parsed of the present code."""
    return settings.parsed / f"{code_digest()[:16]}.msgpack"


def parse_project(settings: Settings) -> None:
    """Let dbt parse the present code for the next build, unless it has. Raises WarehouseError if it fails."""
    parsed = parsed_project(settings)
    if not parsed.exists():
        with TemporaryDirectory(prefix="parse-") as work:
            working, artifacts = Path(work) / WORKING, Path(work) / "dbt"
            dbt.run_dbt([("parse",)], working, DBT_PROJECT_DIR, artifacts, parsed)


def prepare_build(settings: Settings) -> None:
    """Let dbt get ready for the two runs of a build, staging and transform, if the present code is parsed."""
    if settings.engine == "duckdb":
        dbt_process.prepare(DBT_PROJECT_DIR, parsed_project(settings), 2)


def kept_build(settings: Settings) -> Path:
    """Return the directory of the last build's files, for builds with the same code and DuckDB."""
    return settings.kept / f"{code_digest()[:16]}-{duckdb.__version__}"


def fill(settings: Settings, build: Path, record: BuildRecord, used: Used, *, reuse: bool) -> BuildRecord:
    """Stage and load the vintages of a build; write and return its record.

    `used` are the vintages that it is asked to contain; `reuse` allows to take known revisions from the
    current release. Raises Rejected when a vintage cannot be staged and its source has no other.
    """
    release = current(settings.published)
    contents, aside = dict(used), list(record.set_aside)
    while True:
        rows, failures = rows_by_vintage(settings, contents)
        if not failures:
            staged = stage(settings.staged, build / "staging", SOURCES, rows, parsed_project(settings))
            failures = dict(staged.failures)
        if not failures:
            break
        for (name, vintage), reason in failures.items():
            if vintage not in {one.id for one in contents[name]}:
                continue  # left out with another vintage of its source
            kept = fallback(release, contents[name], vintage, reason)
            aside.append(describe_aside(contents[name], kept, reason))
            contents[name] = kept
    require_vintages(contents)
    revisions = known_revisions(release, contents) if reuse else None
    day = record.as_of if record.is_as_of else None
    checks = {name: known_checks(settings, name, day) for name in SOURCES}
    freshness = [assess(name, contents[name], checks[name], record.as_of) for name in SOURCES]
    for leftover in (build / LOADED, build / f"{LOADED}.wal"):
        leftover.unlink(missing_ok=True)
    loading.load(build / LOADED, SOURCES, rows, checks, freshness, revisions, staged.files, aside)
    filled = record.model_copy(
        update={
            "revisions_from": release.name if release and revisions else None,
            "vintages": tuple(entry_of(one) for one, _ in rows),
            "set_aside": tuple(aside),
        }
    )
    write_record(build / BUILD_RECORD, filled)
    return filled


def rows_by_vintage(settings: Settings, contents: Used) -> tuple[list[Rows], dict[tuple[str, str], str]]:
    """Return each vintage with the file of its rows, and the reason of each that its reader cannot read."""
    rows: list[Rows] = []
    failures: dict[tuple[str, str], str] = {}
    for vintages in contents.values():
        for one in vintages:
            try:
                rows.append((one, parse.rows_of(SOURCES[one.source], one, settings.reparsed)))
            except SourceError as error:
                failures[one.source, one.id] = str(error)
    return rows, failures


def require_vintages(contents: Used) -> None:
    """Raise Rejected when nothing is left to build from."""
    if not any(contents.values()):
        raise Rejected("no vintage of any source can be used; see the reasons in the log of the build")


def fallback(
    release: Path | None, vintages: tuple[Vintage, ...], failed: str, reason: str
) -> tuple[Vintage, ...]:
    """Return the vintages of a source that the current release has; raise Rejected if `failed` is one."""
    source = vintages[0].source
    released = {
        one.vintage for one in (read_manifest(release).vintages if release else ()) if one.source == source
    }
    if failed in released:
        raise Rejected(
            f"{source}: vintage {failed}, which is released, can no longer be staged. {reason}. The code or "
            "a seed has changed: correct it"
        )
    return tuple(one for one in vintages if one.id in released)


def describe_aside(vintages: tuple[Vintage, ...], kept: tuple[Vintage, ...], reason: str) -> SetAside:
    """Return the record of a source whose newest vintages are set aside."""
    newest = vintages[-1]
    used_instead = kept[-1].id if kept else None
    LOG.error("%s: vintage %s is set aside, %s is used: %s", newest.source, newest.id, used_instead, reason)
    return SetAside(
        source=newest.source, vintage=newest.id, reason=reason[:REASON_LIMIT], used_instead=used_instead
    )


def run_without_failing_sources(settings: Settings, build: Path, run: Callable[[bool], T]) -> T:
    """Run a step of a build; if it fails, run it again without the new vintages of the sources at fault.

    `run` is called with True when the contents of the build have changed. The sources at fault are those that
    the error names. If that does not help, all new vintages are left out; if the step still fails, the code
    is at fault, and the first error is raised. Otherwise each source is left out alone, and all of them when
    no single one is at fault.
    """
    record = read_build(build)
    try:
        return run(False)
    except Rejected as error:
        first, last = error, error
    names = new_sources(settings, record)
    if not names:
        raise first
    at_fault: list[str] = []
    while more := [name for name in names if name not in at_fault and is_named(name, str(last))]:
        at_fault += more
        try:
            return _run_without(settings, build, record, at_fault, str(last), run)
        except Rejected as error:
            last = error
    if set(at_fault) == set(names):
        raise first
    try:
        result = _run_without(settings, build, record, names, str(first), run)
    except Rejected as error:
        raise first from error
    if len(names) == 1:
        return result
    for name in names:
        try:
            return _run_without(settings, build, record, [name], str(first), run)
        except Rejected as error:
            LOG.info("the build fails without %s as well: %s", name, error)
    return _run_without(settings, build, record, names, str(first), run)


def is_named(source: str, text: str) -> bool:
    """Tell whether a text names a source."""
    return re.search(rf"(?<![a-z0-9_]){source}(?![a-z0-9_])", text) is not None


def new_sources(settings: Settings, record: BuildRecord) -> list[str]:
    """Return the sources of a build whose newest vintage is not in the current release."""
    release = current(settings.published)
    released = {one.ref for one in (read_manifest(release).vintages if release else ())}
    newest = {one.source: one.ref for one in record.vintages}
    return [source for source, ref in newest.items() if ref not in released]


def _run_without(
    settings: Settings,
    build: Path,
    record: BuildRecord,
    names: Iterable[str],
    reason: str,
    run: Callable[[bool], T],
) -> T:
    """Set the new vintages of some sources aside, load the build again, and run a step of it."""
    release = current(settings.published)
    wanted = {one.ref for one in record.vintages}
    contents = {
        name: tuple(
            one
            for one in store.vintages(settings.landing, name)
            if any((ref.source, ref.vintage) == (name, one.id) for ref in wanted)
        )
        for name in SOURCES
    }
    aside = list(record.set_aside)
    for name in names:
        kept = fallback(release, contents[name], "", reason)
        aside.append(describe_aside(contents[name], kept, reason))
        contents[name] = kept
    without = record.model_copy(update={"set_aside": tuple(aside)})
    fill(settings, build, without, contents, reuse=not record.is_of_the_past)
    return run(True)


def require_not_overtaken(settings: Settings, record: BuildRecord) -> None:
    """Raise Rejected for a build with a withdrawn vintage, or without one that the current release has.

    Either is a build from before a rollback, a withdrawal or a newer release. A build of the past is asked
    for the first alone.
    """
    usable = {
        VintageRef(source=name, vintage=one.id)
        for name in SOURCES
        for one in store.vintages(settings.landing, name)
    }
    used = {entry.ref for entry in record.vintages if entry.source in SOURCES}
    left_out = {VintageRef(source=one.source, vintage=one.vintage) for one in record.set_aside}
    release = current(settings.published)
    served = set() if release is None else {entry.ref for entry in read_manifest(release).vintages}
    found = {"has withdrawn vintages": used - usable}
    if not record.is_of_the_past:
        found["lacks vintages of the current release"] = (served & usable) - used - left_out
    for what, refs in found.items():
        if refs:
            listed = ", ".join(sorted(f"{ref.source} {ref.vintage}" for ref in refs))
            raise Rejected(f"the build {what}: {listed}. Make a new one with: warehouse publish")
