"""Stage a backfill: gather its vintages, build them beside the live warehouse, compare with the release."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import duckdb

from warehouse.backfill import records
from warehouse.backfill.records import Backfill, Baseline, Days, Mirrors, Mode, Pull, Report
from warehouse.build import builds, steps
from warehouse.build.fingerprint import code_digest
from warehouse.config import Settings
from warehouse.errors import Rejected, SourceError, WarehouseError, as_warehouse_error, reporting
from warehouse.fetch import Progress, Pulled, fetch, read_pull
from warehouse.landing import store
from warehouse.landing.evaluate import evaluate, land
from warehouse.landing.parse import rows_of, scratch_directory
from warehouse.masking import without_secrets
from warehouse.model import Decision, Source, Vintage
from warehouse.releases import diff
from warehouse.releases.history import HistoryEntry, built_release, read_history
from warehouse.releases.manifest import BuildRecord, read_manifest
from warehouse.releases.store import current
from warehouse.sources import SOURCES
from warehouse.verdict import Verdict


@reporting("backfill")
def begin(
    settings: Settings,
    name: str,
    first: str,
    last: str,
    mirrors: Mirrors = (None,),
    reread: bool = False,
    progress: Progress | None = None,
) -> str:
    """Gather the vintages of a backfill beside the live landing; return its id.

    `first` and `last` are ISO days of retrieval, both included. Each of `mirrors` answers in place of the
    publisher; None is the mirror of the settings, or the publisher. With `reread` nothing is fetched:
    vintages retrieved in the range are parsed again by the present reader. The backfill is `empty` when
    nothing is new. Raises Rejected when a load cannot be read or fails validation.
    """
    source, days = steps.source_named(name), (date.fromisoformat(first), date.fromisoformat(last))
    answering = () if reread else tuple(mirror or settings.mirror for mirror in mirrors)
    require_valid_days(name, days, answering)
    mode: Mode = "reread" if reread else "fetch"
    backfill = records.create(settings, name, mode, days, answering, baseline_of(settings))
    staged = staged_settings(settings, backfill)
    with recording_failure(settings, backfill):
        records.stage_landing(settings.landing, staged.landing)
        (staged.home / "published").symlink_to(settings.published, target_is_directory=True)
        if reread:
            pulls = reparse_vintages(staged, source, days)
        else:
            pulls = fetch_pulls(staged, source, backfill, answering, progress)
    records.write_report(backfill, Report(pulls=tuple(pulls)))
    if not any(pull.outcome in ("accepted", "differs") for pull in pulls):
        reason = "; ".join(f"{pull.subject}: {pull.detail}" for pull in pulls)
        records.log_event(settings, backfill.id, "empty", reason)
        records.remove_staged(backfill)
    return backfill.id


def is_empty(settings: Settings, backfill_id: str) -> bool:
    """Tell whether a backfill brought nothing new."""
    return records.state(settings.backfill, backfill_id) == "empty"


def require_valid_days(name: str, days: Days, answering: Mirrors) -> None:
    """Raise WarehouseError for an empty range, and for a past range that only the publisher would answer."""
    today = datetime.now(UTC).date()
    if days[0] > days[1]:
        raise WarehouseError(f"--from {days[0]} is after --to {days[1]}")
    if None in answering and not days[0] <= today <= days[1]:
        raise WarehouseError(
            f"{name}: the publisher serves what it shows today, {today}, and not what it showed from "
            f"{days[0]} to {days[1]}. Name a recording with --mirror, or parse the landing again with "
            "--reread"
        )


def staged_settings(settings: Settings, backfill: Backfill) -> Settings:
    """Return the settings of the warehouse beside the live one."""
    return settings.model_copy(update={"home": backfill.home})


@contextmanager
def recording_failure(settings: Settings, backfill: Backfill) -> Iterator[None]:
    """Record an error in the report and the log of a backfill; what was staged is kept for inspection."""
    try:
        yield
    except (WarehouseError, OSError, duckdb.Error) as error:
        report = records.read_report(backfill).model_copy(update={"error": str(error)})
        records.write_report(backfill, report)
        records.log_event(settings, backfill.id, "failed", str(error))
        raise as_warehouse_error(f"{backfill.source}: backfill", error) from error


# --- gather ---


def fetch_pulls(
    staged: Settings, source: Source, backfill: Backfill, mirrors: Mirrors, progress: Progress | None
) -> list[Pull]:
    """Fetch from each mirror, and land beside the live landing what is new, oldest first.

    `mirrors` are those of the backfill with their passwords, which are not recorded.
    """
    pulls: list[tuple[datetime, str, Path]] = []
    for mirror in mirrors:
        pull = store.new_incoming(staged.landing, source.name)
        files = fetch(
            source,
            pull / "files",
            mirror=mirror,
            curated=staged.curated,
            progress=progress,
            key=staged.key(source.key_variable),
        )
        subject = without_secrets(mirror) if mirror else source.publisher
        pulls.append((store.retrieval_time(files), subject, pull))
    return [land_pull(staged, source, backfill, *pull) for pull in sorted(pulls)]


def land_pull(
    staged: Settings, source: Source, backfill: Backfill, retrieved_at: datetime, subject: str, pull: Path
) -> Pull:
    """Evaluate one load and land it under its day; raise Rejected when it cannot be read or is invalid."""
    answer = partial(Pull, subject=subject, retrieved_at=retrieved_at)
    day = retrieved_at.astimezone(UTC).date()
    if not backfill.first <= day <= backfill.last:
        store.discard(pull)
        return answer(outcome="outside", detail=f"retrieved {day}, outside of the requested days")
    existing = store.vintages(staged.landing, source.name)
    previous = store.predecessor(existing, retrieved_at)
    try:
        evaluation = evaluate(source, pull, read_pull(pull / "files"), previous, staged.reparsed)
    except SourceError as error:
        raise Rejected(str(error)) from error
    rows, verdict = evaluation.parsed.row_count, evaluation.verdict
    if verdict is None:
        store.discard(pull)
        detail = f"the rows of {previous.id if previous else 'no vintage'}"
        return answer(outcome="unchanged", rows=rows, detail=detail)
    require_success(verdict, f"{source.name}: {subject}")
    now = datetime.now(UTC)
    pending = Decision(actor=staged.operator, at=now, reason="not decided yet", subject=backfill.id)
    id = land(staged.landing, evaluation, now, backfilled=pending).id
    store.record_poll(
        staged.landing, source.name, "accepted", id, f"{rows} rows, {backfill.id}", retrieved_at
    )
    effect = "the newest vintage: its figures come into force"
    if existing and existing[-1].id > id:
        newest = existing[-1].id
        effect = f"before vintage {newest}: changes as-of builds and revisions, not the figures in force"
    return answer(outcome="accepted", vintage=id, rows=rows, detail=effect)


def reparse_vintages(staged: Settings, source: Source, days: Days) -> list[Pull]:
    """Parse the vintages of a range with the present reader, and report which have other rows now.

    Raises WarehouseError when a reader of the same version yields other rows than it did.
    """
    existing = store.vintages(staged.landing, source.name)
    requested = [one for one in existing if days[0] <= one.day <= days[1]]
    if not requested:
        held = ", ".join(one.id for one in existing) or "none"
        raise WarehouseError(
            f"{source.name}: no vintage from {days[0]} to {days[1]} to parse again. Vintages: {held}"
        )
    previous_of = dict(zip([one.id for one in existing[1:]], existing, strict=False))
    return [reparse(staged, source, one, previous_of.get(one.id)) for one in requested]


def reparse(staged: Settings, source: Source, vintage: Vintage, previous: Vintage | None) -> Pull:
    """Parse one vintage with the present reader; raise Rejected when its new rows fail validation.

    Raises SourceError when the reader is newer and does not read a part that the vintage has.
    """
    rows_of(source, vintage, staged.reparsed)  # the build of the backfill reads this file
    with scratch_directory(staged.reparsed, vintage) as scratch:
        pulled = Pulled(files=vintage.files, failed_parts=vintage.failed_parts)
        evaluation = evaluate(source, scratch, pulled, previous, staged.reparsed, vintage.rows_digest)
    rows, verdict, version = evaluation.parsed.row_count, evaluation.verdict, source.reader_version
    subject = f"vintage {vintage.id}, parsed again"
    if verdict is not None:
        if vintage.reader_version == version:
            raise WarehouseError(
                f"{source.name}: reader version {version} yields {rows} rows from vintage {vintage.id} "
                f"that differ from the {vintage.row_count} it yielded before. Raise `reader_version` in "
                f"warehouse/sources/{source.name}.py, then request the backfill again"
            )
        require_success(verdict, f"{source.name}: {subject}")
    return Pull(
        subject=subject,
        retrieved_at=vintage.retrieved_at,
        outcome="unchanged" if verdict is None else "differs",
        vintage=vintage.id,
        rows=rows,
        detail=f"{vintage.row_count} rows by reader version {vintage.reader_version}, {rows} by {version}",
    )


def require_success(verdict: Verdict, subject: str) -> None:
    """Raise Rejected with the reasons when a load has failed validation."""
    if not verdict.success:
        raise Rejected(f"{subject}: rejected by the load gate. {'; '.join(verdict.reasons())}")


# --- build, compare ---


@reporting("backfill")
def build(settings: Settings, backfill_id: str) -> str:
    """Load, transform and validate the staged landing; return the id of the backfill.

    Raises Rejected when the tests or the release gate fail; the build is kept in the backfill's home.
    """
    backfill = records.find_in_state(settings, backfill_id, ("begun", "failed"))
    staged, report = staged_settings(settings, backfill), records.read_report(backfill)
    if report.pulls is None:
        raise WarehouseError(
            f"{backfill.id}: its vintages were not gathered. Discard it with: warehouse backfill discard "
            f"{backfill.id} --why 'incomplete', then request it again"
        )
    with recording_failure(settings, backfill):
        link_prepared(settings, staged)
        build_id = steps.load(staged, force=True)
        if build_id is None:
            raise WarehouseError(f"{backfill.id}: nothing was loaded. Request the backfill again")
        steps.validate(staged, steps.transform(staged, build_id))
        require_nothing_set_aside(builds.read_build(staged.build / build_id))
    records.write_report(backfill, Report(pulls=report.pulls, build=build_id))
    return backfill.id


def link_prepared(settings: Settings, staged: Settings) -> None:
    """Link what the live warehouse has made of the code and of vintages: a forced build uses it there too.

    These are dbt's parsed project and the staged vintages, whose names digest what they were made from, and
    which are never changed in place. What cannot be linked is made again: a live build may remove it
    meanwhile, and an earlier try of this one may have left it.
    """
    for path in (*settings.parsed.glob("*.msgpack"), *settings.staged.glob("*/*.parquet")):
        target = staged.home / path.relative_to(settings.home)
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):
            target.hardlink_to(path)


def require_nothing_set_aside(record: BuildRecord) -> None:
    """Raise Rejected when a build left vintages out: a backfill is approved as a whole or not at all."""
    if record.set_aside:
        reasons = "; ".join(f"{one.source} {one.vintage}: {one.reason}" for one in record.set_aside)
        raise Rejected(f"the build had to leave out vintages. {reasons}")


@reporting("backfill")
def compare(settings: Settings, backfill_id: str) -> Report:
    """Compare the build of a backfill with the current release, and leave it waiting for a decision."""
    backfill = records.find_in_state(settings, backfill_id, ("begun", "failed", "waiting"))
    report, release = records.read_report(backfill), settings.published / backfill.baseline.release
    if report.build is None:
        raise WarehouseError(f"{backfill.id}: it has no build yet. Request the backfill again")
    build_path = backfill.home / "build" / report.build
    record = builds.read_build(build_path)
    found = diff.report_of(release, build_path, build_path / "dbt" / "manifest.json", record.vintages)
    report = report.model_copy(update={"as_of": record.as_of} | vars(found))
    records.write_report(backfill, report)
    reason = f"{len(report.tables)} tables would change; approve or discard"
    records.log_event(settings, backfill.id, "waiting", reason)
    return records.read_report(backfill)  # as recorded: the days in keys are texts


# --- baseline ---


def baseline_of(settings: Settings, backfill: Backfill | None = None) -> Baseline:
    """Return what a backfill is compared with now, without the vintages that `backfill` itself landed."""
    release = current(settings.published)
    if release is None:
        raise WarehouseError("there is no release to compare a backfill with. Make one with: warehouse run")
    name, own = release.name, backfill.id if backfill else None
    vintages = {
        f"{source} {one.id}": one.rows_digest
        for source in SOURCES
        for one in store.vintages(settings.landing, source)
        if one.backfilled is None or one.backfilled.subject != own
    }
    if backfill is not None and records.state(settings.backfill, backfill.id) == "approving":
        # Published by a try that was killed before it could record that, or by a nightly run in between.
        name = backfill.baseline.release if release_includes_backfill(settings, release, backfill) else name
    return Baseline(vintages=vintages, release=name, code=code_digest())


def release_includes_backfill(settings: Settings, release: Path, backfill: Backfill) -> bool:
    """Tell whether a release is a backfill's build, or was built with all of its vintages."""
    if built_release(history_of(settings), release.name) == records.read_report(backfill).build:
        return True
    released = {(one.source, one.vintage) for one in read_manifest(release).vintages}
    staged = {
        (one.source, one.id)
        for one in store.vintages(staged_settings(settings, backfill).landing, backfill.source)
        if one.backfilled and one.backfilled.subject == backfill.id
    }
    return bool(staged) and staged <= released


def history_of(settings: Settings) -> tuple[HistoryEntry, ...]:
    """Return the readable entries of the history of releases."""
    return read_history(settings.published).records


def drift(settings: Settings, backfill: Backfill) -> tuple[str, ...]:
    """Return what has changed in the live warehouse since a backfill was compared with it.

    A refresh of the release is no change: it holds the same figures.
    """
    then, now = backfill.baseline, baseline_of(settings, backfill)
    before, after = then.vintages, now.vintages
    found = [f"vintage {one} has landed" for one in sorted(after.keys() - before.keys())]
    found += [f"vintage {one} is gone" for one in sorted(before.keys() - after.keys())]
    kept = sorted(before.keys() & after.keys())
    found += [f"vintage {one} holds other rows" for one in kept if before[one] != after[one]]
    history = history_of(settings)
    if built_release(history, then.release) != built_release(history, now.release):
        found.append(f"release {now.release} is current, and {then.release} was")
    if then.code != now.code:
        found.append("the code, the seeds or the expectations have changed")
    return tuple(found)
