"""The order of things: the only module that knows which step follows which.

Two lines meet at the landing. *Ingest*, for one source: `fetch`, then `accept` (parse, compare, validate,
land). *Publish*: `load`, `transform`, `validate`, `publish`. Each function here is one task of a DAG or
one word of the command line, takes and returns text or numbers that fit through a queue, and can be run
again after it was killed.

Keeps: a failure leaves the last good vintage and the last release in force, and itself on record, in the
source's checks, on the rejected shelf, or in the build's directory. A night without news builds nothing.

Refuses: a second writer of one source, or a second build, while one is at work.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout

from warehouse import alerts as alerting
from warehouse import audit as auditing
from warehouse import backfill as backfilling
from warehouse import config, landing, quarantine, releases, retention
from warehouse import fetch as fetching
from warehouse import load as loading
from warehouse import publish as publishing
from warehouse import transform as transforming
from warehouse import validate as validating
from warehouse.alerts import Alert
from warehouse.config import Settings
from warehouse.errors import Rejected, SourceError, WarehouseError
from warehouse.files import sha256_of, write_atomic
from warehouse.model import Fetched, Request, Ruling, Source, Vintage
from warehouse.sources import SOURCES

BUILD_NOTE = "build.json"
LOADED = "loaded.duckdb"
VERDICT = "validation.json"
DATABASE = "warehouse.duckdb"
SEEDS = config.DBT_PROJECT_DIR / "seeds"
STATUS = "warehouse status"
Progress = Callable[[Request, int], None]


def source_named(name: str) -> Source:
    """Return the source of a name; raise with the known names when there is none."""
    if name not in SOURCES:
        raise WarehouseError(f"there is no source named {name!r}; known are {', '.join(SOURCES)}")
    return SOURCES[name]


@contextmanager
def plainly(doing: str) -> Iterator[None]:
    """Turn what the disk or the database refuses into an error that says what to do."""
    try:
        yield
    except (OSError, duckdb.Error) as error:
        raise as_warehouse_error(doing, "writing", error) from error


# --- ingest -------------------------------------------------------------------------------------------


@plainly("fetch")
def fetch(name: str, progress: Progress | None = None) -> str:
    """Download one complete pull of a source; return its directory, which `accept` takes.

    Raises SourceError, on record as a failed check, when an answer did not come or is of the wrong kind.
    """
    source, place = source_named(name), config.from_environment()
    with landing.writing(place.landing, name):
        past = landing.vintages(place.landing, name)
        incoming = landing.new_incoming(place.landing, name)
        try:
            fetching.fetch(
                source,
                incoming / "files",
                mirror=place.mirror,
                curated=place.curated,
                held=landing.held_answers(past[-1] if past else None),
                progress=progress,
            )
        except (WarehouseError, OSError) as error:
            landing.discard(incoming)
            record(place, name, None, "failed", None, str(error))
            raise as_warehouse_error(name, "fetching", error) from error
    return str(incoming)


@plainly("accept")
def accept(name: str, incoming: str) -> str | None:
    """Parse, compare, judge and land a fetched pull; return its vintage, or None when it is no news.

    A vintage that landed and is in no release yet is news still: the night that landed it may have been
    killed before it could say so. Raises Rejected when the pull can't be read or doesn't pass; its bytes and
    the reasons then lie on the rejected shelf, and the last accepted vintage stays in force.
    """
    source, place, pull = source_named(name), config.from_environment(), Path(incoming)
    with landing.writing(place.landing, name):
        if not pull.is_dir():
            vintage = landing.landed(place.landing, name, pull.name)
            if vintage is None:
                raise WarehouseError(f"{name}: the pull {pull} is gone. Fetch the source again")
            return vintage.id
        files = fetching.read_fetched(pull / "files")
        seen_at = max(file.retrieved_at for file in files)
        past = landing.vintages(place.landing, name)
        last = past[-1] if past else None
        if last is not None and is_older_recording(files, last):
            landing.discard(pull)
            told = f"the mirror's answer of {seen_at:%Y-%m-%d} is older than vintage {last.id}, in force"
            record(place, name, seen_at, "unchanged", last.id, told)
            return None if is_published(place, last) else last.id
        previous = landing.rows_of(source, last, reread(place)) if last else None
        try:
            parsed = landing.parse(source, files, pull, pull / "rows.parquet")
            if last and previous and landing.digest_rows(previous, source.columns) == parsed.rows_digest:
                landing.discard(pull)
                record(place, name, seen_at, "unchanged", last.id, "the same rows")
                return None if is_published(place, last) else last.id
            verdict = validating.validate_vintage(
                source, parsed.rows, previous, SEEDS, config.EXPECTATIONS_DIR, pull / "judge"
            )
            shutil.rmtree(pull / "judge", ignore_errors=True)
            if verdict.success:
                vintage = landing.accept(
                    place.landing,
                    source,
                    pull,
                    files,
                    parsed,
                    json.loads(verdict.to_json()),
                    datetime.now(UTC),
                )
                record(place, name, seen_at, "accepted", vintage.id, f"{vintage.row_count} rows")
                return vintage.id
            reasons, report = verdict.reasons(), json.loads(verdict.to_json())
        except SourceError as error:
            reasons, report = (str(error),), {"success": False, "error": str(error)}
        except (OSError, duckdb.Error) as error:
            landing.discard(pull)
            record(place, name, None, "failed", None, str(error))
            raise as_warehouse_error(name, "landing", error) from error
        shelved = {"source": name, "reasons": reasons, "report": report}
        shelf = landing.reject(place.rejected, name, pull, shelved)
        record(place, name, seen_at, "rejected", None, "; ".join(reasons))
    raise Rejected(
        f"{name}: rejected. {'; '.join(reason.rstrip('.') for reason in reasons)}. "
        f"{f'Vintage {last.id} stays in force' if last else 'No vintage is in force'}; "
        f"the bytes and the report lie in {shelf}"
    )


def is_older_recording(files: tuple[Fetched, ...], last: Vintage) -> bool:
    """Tell whether a mirror replays what was recorded before the vintage in force.

    A live pull is never old: there only our own clock could have gone back.
    """
    recorded = all(file.via != "publisher" for file in files)
    return recorded and max(file.retrieved_at for file in files) < last.retrieved_at


def is_published(place: Settings, vintage: Vintage) -> bool:
    """Tell whether the standing release was built with a vintage, or one that was rolled back from was."""
    stands = publishing.standing(place.published)
    for move in publishing.withdrawn(place.published).values():
        if (move.newest or {}).get(vintage.source) == vintage.id:
            return True
    return stands is not None and any(
        (one["source"], one["vintage"]) == (vintage.source, vintage.id)
        for one in publishing.read_manifest(stands)["vintages"]
    )


def record(
    place: Settings, name: str, seen_at: datetime | None, outcome: str, vintage: str | None, detail: str
) -> None:
    """Put one look at a source on record; `seen_at` is when what was seen left the publisher."""
    now = datetime.now(UTC)
    check = landing.Check(name, now, seen_at or now, outcome, vintage, detail[:2000])
    landing.record_check(place.landing, check)


def as_warehouse_error(name: str, doing: str, error: Exception) -> WarehouseError:
    """Turn an operating system's error into one that says what to do; pass our own through."""
    if isinstance(error, WarehouseError):
        return error
    return WarehouseError(
        f"{name}: {doing} failed: {error}. Nothing was accepted, and what stood still stands. "
        "Look at the disk's free space and permissions, then run it again"
    )


# --- publish ------------------------------------------------------------------------------------------


@plainly("load")
def load(as_of: str | None = None, force: bool = False, place: Settings | None = None) -> str | None:
    """Make a new build of the landing as of a date (ISO; the newest knowledge if None); return its directory.

    Returns None when the standing release was built from the same vintages, seeds and code, or one was that
    somebody rolled back from: a night without news does not undo a rollback. Raises WarehouseError, before
    anything is written, when the disk has no room for a build. `place` is another warehouse than the live.
    Revisions that the standing release knows are taken from it, unless `force` asks for all to be made anew.
    """
    place = place or config.from_environment()
    day = date.fromisoformat(as_of) if as_of else None
    with building(place):
        landed = {name: landing.vintages(place.landing, name) for name in SOURCES}
        known = {
            name: tuple(one for one in some if day is None or one.day <= day) for name, some in landed.items()
        }
        if not any(known.values()):
            raise WarehouseError(
                f"{place.landing}: no vintage {f'on or before {day} ' if day else ''}to build from. "
                "Fetch a source first"
            )
        mark = fingerprint([one for some in known.values() for one in some], day)
        stands = publishing.standing(place.published)
        if stands is not None and not force and publishing.read_manifest(stands)["fingerprint"] == mark:
            return None
        if not force and mark in {one.fingerprint for one in publishing.withdrawn(place.published).values()}:
            return None
        sweep(place)
        insist_on_room(room_for_a_build(place))
        checks = [
            (sequence, check)
            for name in SOURCES
            for sequence, check in enumerate(landing.checks(place.landing, name), start=1)
            if day is None or check.checked_at.date() <= day
        ]
        # A look that failed saw nothing, and moves no date on.
        known_until = day or max(
            [one.day for some in known.values() for one in some]
            + [check.checked_at.date() for _, check in checks if check.outcome != "failed"]
        )
        started = datetime.now(UTC)
        build = place.build / name_of_build(place, started)
        revisions = None if force else revisions_known(stands, known)
        loading.load(
            build / LOADED,
            SOURCES,
            [
                (one, landing.rows_of(SOURCES[name], one, reread(place)))
                for name, some in known.items()
                for one in some
            ],
            [(c.source, number, c.checked_at, c.outcome, c.vintage, c.detail) for number, c in checks],
            revisions,
        )
        note = {
            "revisions_from": stands.name if stands and revisions else None,
            "as_of": known_until.isoformat(),
            "is_of_the_past": known != landed,
            "fingerprint": mark,
            "git_revision": git_revision(),
            "code_sha256": code_digest(),
            "started_at": started.isoformat(),
            "versions": {name: version(name) for name in ("duckdb", "dbt-core", "great-expectations")},
            "vintages": [told_of(one) for some in known.values() for one in some],
        }
        write_atomic(build / BUILD_NOTE, json.dumps(note, indent=2, ensure_ascii=False) + "\n")
    return str(build)


def revisions_known(stands: Path | None, known: Mapping[str, tuple[Vintage, ...]]) -> loading.Known | None:
    """Tell the revisions that a build can take from the standing release, or None.

    They are a function of the vintages and the code: of a source all of whose vintages in the release still
    come first, row for row, under the very code that built it, none can have become another. A file that is
    not the one that was published is left alone, and `maintain` will say so; the build makes all anew.
    """
    told = publishing.read_manifest(stands) if stands else {}
    if stands is None or told.get("is_of_the_past") is not False or told.get("code_sha256") != code_digest():
        return None
    file = stands / "parquet" / "fct_revision.parquet"
    if not file.exists() or sha256_of(file) != told["tables"]["fct_revision"]["sha256"]:
        return None
    until = {}
    for name, vintages in known.items():
        then = [(one["vintage"], one["rows_digest"]) for one in told["vintages"] if one["source"] == name]
        if then and then == [(one.id, one.rows_digest) for one in vintages[: len(then)]]:
            until[name] = then[-1][0]
    return loading.Known(file, until) if until else None


def name_of_build(place: Settings, started: datetime) -> str:
    """Name a build by the moment it began, and after all there are where our clock has gone back."""
    form = "%Y%m%dT%H%M%S%fZ"
    past = [
        *(one.name for one in place.build.glob("2*Z")),
        *(one.name for one in place.published.glob("2*Z")),
    ]
    if not past or f"{started:{form}}" > max(past):
        return f"{started:{form}}"
    return f"{datetime.strptime(max(past), form) + timedelta(microseconds=1):{form}}"


@plainly("transform")
def transform(build: str, place: Settings | None = None) -> str:
    """Run dbt over a build and seal it; return its directory."""
    place, here = place or config.from_environment(), Path(build)
    with building(place):
        as_of = date.fromisoformat(note_of(here)["as_of"])
        try:
            transforming.transform(
                here / LOADED, here / DATABASE, config.DBT_PROJECT_DIR, here / "dbt", as_of
            )
        except Rejected as error:
            keep_verdict(here, {"success": False, "error": str(error)})
            raise
    return build


@plainly("validate")
def validate(build: str, place: Settings | None = None) -> str:
    """Judge a build next to the release that stands; return its directory, or raise Rejected with why.

    A build of the past, which leaves out vintages that are landed, is judged alone: it is meant to know less.
    """
    place, here = place or config.from_environment(), Path(build)
    with building(place):
        stands = publishing.standing(place.published)
        if note_of(here)["is_of_the_past"]:
            stands = None
        for left in (here / "data_docs", here / "judge"):  # of a validation that was killed
            shutil.rmtree(left, ignore_errors=True)
        verdict = validating.validate_release(
            here / DATABASE,
            stands / DATABASE if stands else None,
            config.EXPECTATIONS_DIR,
            here / "data_docs",
            here / "judge",
        )
        shutil.rmtree(here / "judge", ignore_errors=True)
        keep_verdict(here, json.loads(verdict.to_json()))
    if not verdict.success:
        raise Rejected(
            f"the build {here} did not pass: {'; '.join(verdict.reasons())}. "
            f"{f'Release {stands.name} stays in force' if stands else 'There is no release yet'}"
        )
    return build


@plainly("publish")
def publish(build: str) -> str:
    """Swap a validated build in as the newest release; return the release's name.

    A build of the past becomes a release beside the others; `latest` stays, unless there is none.
    """
    place, here = config.from_environment(), Path(build)
    with building(place):
        if not (here / DATABASE).exists() and (place.published / here.name).exists():
            shutil.rmtree(here, ignore_errors=True)
            return here.name  # published by a try that was killed while it tidied up
        note = note_of(here)
        verdict = verdict_of(here)
        if verdict is None or verdict["success"] is not True:
            raise Rejected(f"{here}: this build has not passed validation and can't be published")
        stands = publishing.standing(place.published)
        release = publishing.publish(
            place.published,
            here.name,
            here / DATABASE,
            {
                "data_docs": here / "data_docs",
                "dbt_docs/index.html": here / "dbt" / "static_index.html",
                "dbt_docs/manifest.json": here / "dbt" / "manifest.json",
            },
            note
            | {"published_at": datetime.now(UTC).isoformat(), "validation": verdict}
            | {"news": news_of(here / DATABASE, note["vintages"], stands)},
            is_latest=stands is None or not note["is_of_the_past"],
            who=config.operator(),
        )
        shutil.rmtree(here)
    return release.name


def news_of(database: Path, vintages: Sequence[Mapping[str, Any]], stands: Path | None) -> dict[str, Any]:
    """Tell what a build knows that the standing release does not: its vintages, and their revisions by kind.

    `big_revisions` counts those beyond their threshold; MANIFEST.json keeps it all.
    """
    seen = publishing.read_manifest(stands)["vintages"] if stands else []
    known = {(one["source"], one["vintage"]) for one in seen}
    fresh = [
        {"source": one["source"], "vintage": one["vintage"]}
        for one in vintages
        if (one["source"], one["vintage"]) not in known
    ]
    return {
        "against": stands.name if stands else None,
        "vintages": fresh,
        "revisions": publishing.revisions_by_kind(database, fresh),
        "big_revisions": len(publishing.big_revisions(database, fresh)),
    }


def big_revisions(release: Path) -> list[dict[str, Any]]:
    """List the revisions beyond their threshold that a release brought, the biggest first.

    Of the vintages that the release which stood before it did not have, so that each is told once. Keys:
    source, vintage, previous_vintage, series, period_label, previous_value, value (both in the series' unit),
    change_pct (None from zero) and threshold_pct. `marts.mart_revision_alert` holds those of all vintages.
    Raises WarehouseError when the release's MANIFEST.json does not tell what its news is.
    """
    told = publishing.read_manifest(release)
    if "news" not in told:
        raise WarehouseError(
            f"{release}/MANIFEST.json: says nothing of its news; an older version published it. "
            "Publish again with `warehouse publish`"
        )
    found = publishing.big_revisions(release / DATABASE, told["news"]["vintages"])
    if len(found) != told["news"]["big_revisions"]:
        raise WarehouseError(
            f"{release}: {len(found)} big revisions in the database, {told['news']['big_revisions']} in "
            "MANIFEST.json. A release never changes: compare its checksums with the backup"
        )
    return found


# --- releases: list, compare, roll back ---------------------------------------------------------------


def list_releases() -> list[dict[str, Any]]:
    """Tell of each release: when it was published, whether it stands, what is in it, what was said of it.

    Sizes are in bytes. `rolled_back` is the last rollback away from it, None if there was none or it was
    brought back.
    """
    published = config.from_environment().published
    stands = publishing.pointed_at(published)
    away: dict[str, publishing.Move] = {}
    for move in publishing.history(published):
        if move.action == "rollback":
            away.pop(move.release, None)
            if move.before:
                away[move.before] = move
    rows = []
    for place in publishing.releases(published):
        told = publishing.read_manifest(place)
        left = away.get(place.name)
        rows.append(
            {
                "release": place.name,
                "published_at": told["published_at"],
                "is_latest": place.name == stands,
                "as_of": told["as_of"],
                "vintages": len(told["vintages"]),
                "rows": sum(table["rows"] for table in told["tables"].values()),
                "size_bytes": retention.size_of(place),
                "rolled_back": left and {"at": left.at.isoformat(), "who": left.who, "why": left.why},
            }
        )
    return rows


def release_named(name: str) -> Path:
    """Return the directory of a release; `latest` is what readers see, `previous` what they saw before."""
    published = config.from_environment().published
    known = {one.name: one for one in publishing.releases(published)}
    wanted: str | None = name
    if name == "latest":
        wanted = publishing.pointed_at(published)
    elif name == "previous":
        wanted = previous_release(published, tuple(known))
    if wanted is None or wanted not in known:
        raise WarehouseError(
            f"{published}: there is no {'' if name in ('latest', 'previous') else 'release '}{name}; "
            f"there are {', '.join(known) or 'no releases'}"
        )
    return known[wanted]


def previous_release(published: Path, known: tuple[str, ...]) -> str | None:
    """Name what `latest` pointed at before its last move; before any record, the release before it."""
    stands = publishing.pointed_at(published)
    for move in reversed(publishing.history(published)):
        if move.after == stands and move.before not in (None, stands):
            return move.before
    earlier = known[: known.index(stands)] if stands in known else ()
    return earlier[-1] if earlier else None


@plainly("diff")
def diff(before: str, after: str, moves: int = 3) -> dict[str, Any]:
    """Compare two releases by name; tell the vintages and tables that differ."""
    sides = [release_named(before), release_named(after)]
    manifests = [publishing.read_manifest(one) for one in sides]
    told = [releases.keys_told(one / "dbt_docs" / "manifest.json") for one in sides]
    found = releases.compare(sides[0] / DATABASE, sides[1] / DATABASE, told[0] | told[1], moves)
    return {
        "before": sides[0].name,
        "after": sides[1].name,
        "vintages": releases.vintages_that_differ(manifests[0], manifests[1]),
        "tables": [asdict(one) | {"cells_changed": one.cells_changed} for one in found if one.is_different],
        "tables_equal": [one.table for one in found if not one.is_different],
    }


@plainly("rollback")
def rollback(release: str, why: str) -> dict[str, Any]:
    """Have readers see a release that was published before; return what was put on record.

    The next night without news leaves it so; the next new vintage, seed or line of code makes a new release.
    """
    place = config.from_environment()
    move = publishing.rollback(place.published, release_named(release).name, why, config.operator())
    return {
        "release": move.release,
        "from": move.before,
        "at": move.at.isoformat(),
        "who": move.who,
        "why": move.why,
    }


def why_nothing() -> str:
    """Say why `load` made no build: nothing has changed, or what changed was rolled back from."""
    published = config.from_environment().published
    said = [
        f"; release {name} was rolled back from by {move.who} ({move.why}) and is not built again until "
        "there is a new vintage, seed or line of code, or --force"
        for name, move in publishing.withdrawn(published).items()
    ]
    return "nothing has changed since the release that stands" + "".join(said)


# --- maintenance: retention, audit, disk --------------------------------------------------------------


@plainly("maintain")
def retain() -> dict[str, Any]:
    """Remove old releases, builds and rejected vintages by the policy; tell which, and the bytes freed.

    Of backfills, what was staged for one that is decided; one that waits is kept until somebody decides.
    Accepted vintages are never removed. A source that is being written now keeps its shelf until next time.
    """
    place, now = config.from_environment(), datetime.now(UTC)
    policy = keeping()
    removed: dict[str, list[str]] = {"releases": [], "builds": [], "rejected": [], "backfills": []}
    with building(place):
        aged = [(path, born(path)) for path in sorted(place.build.glob("2*")) if verdict_of(path) is not None]
        for path in retention.outdated(aged, keep=policy.builds, days=policy.builds_days, now=now):
            removed["builds"].append(retention.hide(path).name.removeprefix(retention.REMOVING_PREFIX))
    # Out of sight is out of use: what takes long needs no lock, and ends what a killed run began.
    freed = retention.remove_hidden(place.build)
    for shelf in sorted(place.rejected.glob("[!.]*/")):
        aged = [(path, born(path)) for path in sorted(shelf.glob("[!.]*/"))]
        gone = retention.outdated(aged, keep=policy.rejected, days=policy.rejected_days, now=now)
        removed["rejected"] += retain_shelf(place, shelf.name, gone)
        freed += retention.remove_hidden(shelf)
    settled = now - timedelta(seconds=landing.ABANDONED_AFTER_SECONDS)  # none that is being cleared now
    for asked in backfilling.leftovers(place.backfill, settled):
        retention.hide(asked.home)
        removed["backfills"].append(asked.id)
    for folder in sorted(place.backfill.glob("*/")):
        freed += retention.remove_hidden(folder)
    # Last, since a release goes only on record: on a disk full to the brim, the rest has made room for it.
    if place.published.is_dir():
        with publishing.moving(place.published):
            removed["releases"] = retain_releases(place, policy, now)
        freed += retention.remove_hidden(place.published)
    return {"removed": removed, "freed_bytes": freed}


def retain_shelf(place: Settings, source: str, gone: tuple[Path, ...]) -> list[str]:
    """Take rejected vintages of a source out of sight, unless it is being written now; return their names."""
    try:
        with landing.writing(place.landing, source):
            return [f"{source}/{retention.hide(path) and path.name}" for path in gone]
    except WarehouseError:
        return []


def retain_releases(place: Settings, policy: config.Keeping, now: datetime) -> list[str]:
    """Take the releases that are too old out of sight, each on record first; return their names."""
    stands, past = publishing.pointed_at(place.published), publishing.history(place.published)
    turn = publishing.last_turn(past)
    never = {name for name in (stands, turn and turn.before, turn and turn.after) if name}
    known = publishing.releases(place.published)
    if stands is None and not known:
        return []
    if stands not in {one.name for one in known}:
        raise WarehouseError(
            f"{place.published / 'latest'}: it points at {stands}, which is not there; nothing was removed. "
            "Roll back to a release that is: warehouse releases"
            if stands
            else f"{place.published}: no `latest`, so nothing was removed. Publish or roll back first"
        )
    aged = [(one, datetime.fromisoformat(publishing.read_manifest(one)["published_at"])) for one in known]
    gone = retention.outdated(aged, keep=policy.releases, days=policy.releases_days, now=now, never=never)
    told = {one.release for one in past if one.action == "remove"}
    for one in gone:
        if one.name not in told:  # a removal that was killed after it was told is not told twice
            why = f"beyond the newest {policy.releases} and older than {policy.releases_days} days"
            who = config.operator()
            publishing.record(
                place.published, publishing.Move(now, "remove", one.name, stands, stands, who, why)
            )
        retention.hide(one)
    return [one.name for one in gone]


def born(path: Path) -> datetime:
    """Return when a build or a rejected pull was last written to."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def audit(strict: bool = True) -> dict[str, Any]:
    """Recompute every checksum of the landing and of the releases; tell what was looked at and found.

    Raises Rejected with the findings when there are any, unless they are only asked for.
    """
    place = config.from_environment()
    turn = publishing.last_turn(publishing.history(place.published))
    found = auditing.audit(
        place.landing,
        place.published,
        publishing.pointed_at(place.published),
        turn.after if turn else None,
        landing.digest_rows,
    )
    if strict and found.findings:
        told = "; ".join(f"{one.path}: {one.what}. {one.remedy}" for one in found.findings)
        raise Rejected(f"the audit found {len(found.findings)} things that are not as they were: {told}")
    return asdict(found)


def disk(strict: bool = True) -> dict[str, Any]:
    """Tell the free bytes where builds lie, and what the next one needs.

    Raises WarehouseError when there are too few, unless they are only asked for.
    """
    room = room_for_a_build(config.from_environment())
    if strict:
        insist_on_room(room)
    return asdict(room) | {"is_enough": room.is_enough}


def room_for_a_build(place: Settings) -> retention.Room:
    """Reckon the room for a build from the release that stands, or from the landed rows before the first."""
    place.build.mkdir(parents=True, exist_ok=True)
    factor, stands = keeping().disk_factor, publishing.pointed_at(place.published)
    if stands is not None and (place.published / stands).is_dir():
        size = retention.size_of(place.published / stands)
        return retention.room(place.build, size, f"{factor:g} times release {stands}", factor)
    size = sum(path.stat().st_size for path in place.landing.glob("*/*/rows.parquet"))
    return retention.room(place.build, size, f"{factor:g} times the landed rows", factor)


def insist_on_room(room: retention.Room) -> None:
    """Raise WarehouseError when there is no room for a build."""
    if not room.is_enough:
        raise WarehouseError(
            f"too little disk: {room.free_bytes:,} bytes are free and a build needs {room.needed_bytes:,} "
            f"({room.basis}). Nothing was written, and the release that stands still stands. Make room, or "
            "have old releases, builds and rejected vintages removed with: warehouse maintain "
            "(WAREHOUSE_KEEP_* say what stays, WAREHOUSE_DISK_FACTOR what a build needs)"
        )


def keeping() -> config.Keeping:
    """Read the policy; raise WarehouseError when a setting is none."""
    try:
        return config.keeping()
    except ValueError as error:
        raise WarehouseError(f"{error}. Mend the environment; nothing was removed") from error


def sweep(place: Settings) -> None:
    """Remove builds that were abandoned unjudged over a day ago.

    Younger ones may be at work between two tasks of a DAG; judged ones wait for an operator.
    """
    for old in place.build.glob("2*"):
        if verdict_of(old) is None and time.time() - old.stat().st_mtime > landing.ABANDONED_AFTER_SECONDS:
            shutil.rmtree(old)


def keep_verdict(build: Path, verdict: dict[str, Any]) -> None:
    """Write what the tests or the gate said of a build into it."""
    text = json.dumps(verdict, indent=2, ensure_ascii=False)
    write_atomic(build / VERDICT, text + "\n")


def verdict_of(build: Path) -> dict[str, Any] | None:
    """Read what was said of a build; None when it was not judged yet."""
    path = build / VERDICT
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


@contextmanager
def building(place: Settings) -> Iterator[None]:
    """Hold the one builder's place; raise when another process holds it."""
    place.build.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(place.build / ".lock", timeout=0):
            yield
    except Timeout:
        raise WarehouseError(
            f"another build is at work now (lock {place.build / '.lock'}). "
            "Wait for it to end; the lock goes with its process"
        ) from None


# --- quarantine: what the gate refused ----------------------------------------------------------------


def rejected() -> list[dict[str, Any]]:
    """Tell of each refused pull, oldest first: its reasons, and whether a person overruled them."""
    return [
        {
            "id": one.id,
            "source": one.source,
            "rejected_at": one.rejected_at.isoformat(timespec="seconds"),
            "is_judged": one.is_judged,
            "reasons": list(one.reasons),
            "accepted_as": one.vintage,
            "overruled": landing.ruling_told(one.ruling) if one.ruling else None,
        }
        for one in quarantine.shelf(config.from_environment().rejected)
    ]


def show_rejected(pull: str) -> dict[str, Any]:
    """Tell all that is known of one refused pull: reasons, report, files, and the command to run next."""
    place = config.from_environment()
    entry = quarantine.find(place.rejected, pull)
    (told,) = (one for one in rejected() if (one["id"], one["source"]) == (entry.id, entry.source))
    files = fetching.read_fetched(entry.directory / "files")
    if entry.ruling:
        is_out = is_in_release(place, entry)
        following = "nothing: it is in the release" if is_out else "warehouse publish"
    elif entry.is_judged:
        word = f"warehouse rejected accept {entry.id} --why '…'"
        following = f"{word}, if the publisher is right and the gate is not"
    else:
        reader = f"warehouse/sources/{entry.source}.py"
        following = f"mend {reader} or wait for the publisher; there is nothing to overrule"
    return told | {
        "directory": str(entry.directory),
        "files": [asdict(file) | {"retrieved_at": file.retrieved_at.isoformat()} for file in files],
        "report": entry.report,
        "next": following,
    }


def is_in_release(place: Settings, entry: quarantine.Shelved) -> bool:
    """Tell whether the standing release was built with the vintage that a refused pull became."""
    accepted = [one for one in landing.vintages(place.landing, entry.source) if one.id == entry.vintage]
    return any(is_published(place, one) for one in accepted)


@plainly("rejected accept")
def overrule(pull: str, why: str) -> str:
    """Accept a refused pull over the gate's refusal, on record; return the vintage that it became.

    Its bytes are read and judged again. Raises Rejected when they are not those that were fetched or can't
    be read: there are no rows then that anybody could accept. The gate on releases judges the next build.
    """
    place, reason = config.from_environment(), why.strip()
    entry = quarantine.find(place.rejected, pull)
    source = source_named(entry.source)
    if not reason:
        raise WarehouseError("overruling the gate needs a reason: say it with --why; it goes on record")
    if entry.ruling:
        raise WarehouseError(
            f"{entry.id} was accepted already, as vintage {entry.vintage}, by {entry.ruling.by} on "
            f"{entry.ruling.at:%Y-%m-%d}: {entry.ruling.why}"
        )
    with landing.writing(place.landing, source.name):
        vintage = landing.landed(place.landing, source.name, entry.id)
        if vintage is None:  # else a try that was killed between landing it and saying so
            vintage = land_overruled(place, source, entry, reason)
        if vintage.overruled is None:
            raise WarehouseError(f"{vintage.directory}: the gate accepted this pull; nothing to overrule")
        told = f"overruled by {vintage.overruled.by}: {vintage.overruled.why}. {vintage.overruled.about}"
        record(place, source.name, vintage.retrieved_at, "accepted", vintage.id, told)
        quarantine.mark(entry, vintage.overruled, vintage.id)
    return vintage.id


def land_overruled(place: Settings, source: Source, entry: quarantine.Shelved, why: str) -> Vintage:
    """Read a refused pull's bytes again and land them with the gate's verdict and who overruled it."""
    pull = place.landing / source.name / landing.INCOMING / entry.id
    landing.discard(pull)  # of a try that was killed
    quarantine.take_out(entry, pull)
    try:
        files = fetching.read_fetched(pull / "files")
        past = landing.vintages(place.landing, source.name)
        last = landing.before(past, max(file.retrieved_at for file in files))
        previous = landing.rows_of(source, last, reread(place)) if last else None
        parsed = landing.parse(source, files, pull, pull / "rows.parquet")
        if last and previous and landing.digest_rows(previous, source.columns) == parsed.rows_digest:
            raise WarehouseError(f"{entry.id} holds the rows of vintage {last.id}; nothing to accept")
        verdict = validating.validate_vintage(
            source, parsed.rows, previous, SEEDS, config.EXPECTATIONS_DIR, pull / "judge"
        )
        shutil.rmtree(pull / "judge", ignore_errors=True)
        then = f"today's gate passes it, then it said: {'; '.join(entry.reasons)}"
        said = "; ".join(verdict.reasons()) or then
        ruling = Ruling(config.operator(), datetime.now(UTC), why, f"The gate: {said}")
        return landing.accept(
            place.landing,
            source,
            pull,
            files,
            parsed,
            json.loads(verdict.to_json()),
            ruling.at,
            overruled=ruling,
        )
    except SourceError as error:
        landing.discard(pull)
        raise Rejected(
            f"{entry.id} can't be accepted by anybody's word: {error}. What can't be read, or is not what "
            "was fetched, has no rows to publish; it stays on the shelf"
        ) from error
    except (OSError, duckdb.Error) as error:
        landing.discard(pull)
        raise as_warehouse_error(source.name, "accepting", error) from error
    except WarehouseError:
        landing.discard(pull)
        raise


# --- backfill: a build beside the live one, that waits for a word --------------------------------------


@plainly("backfill")
def backfill_begin(
    name: str,
    first: str,
    last: str,
    mirrors: tuple[str | None, ...] = (None,),
    again: bool = False,
    progress: Progress | None = None,
) -> str | None:
    """Gather a backfill's vintages beside the live landing; return its id, or None when nothing is new.

    `first` and `last` are ISO days of retrieval, both included. Each of `mirrors` answers in the publisher's
    place; None is what the environment names, or the publisher. `again` fetches nothing, and reads what was
    retrieved in the range with today's reader. Raises Rejected when a pull can't be read or does not pass.
    """
    source, place = source_named(name), config.from_environment()
    days = (date.fromisoformat(first), date.fromisoformat(last))
    answering = () if again else tuple(mirror or place.mirror for mirror in mirrors)
    today = datetime.now(UTC).date()
    if days[0] > days[1]:
        raise WarehouseError(f"{name}: a backfill from {first} to {last} is of no day; turn the days round")
    if None in answering and not days[0] <= today <= days[1]:
        raise WarehouseError(
            f"{name}: a publisher answers with what it shows today, {today}, and not with what it showed "
            f"from {first} to {last}. Name a recording with --mirror, or read the landing again with --reread"
        )
    asked = backfilling.begin(
        place.backfill,
        name,
        "reread" if again else "fetch",
        *days,
        answering,
        ground_of(place),
        config.operator(),
    )
    staged = replace(place, home=asked.home)
    try:
        backfilling.overlay(place.landing, staged.landing)
        (staged.home / "published").symlink_to(place.published, target_is_directory=True)
        pulls = read_again(staged, source, days) if again else pull_in(staged, source, asked, progress)
    except (WarehouseError, OSError) as error:
        backfill_failed(place, asked, error)
        raise as_warehouse_error(name, "backfilling", error) from error
    backfilling.keep_report(asked, {"pulls": pulls})
    if not any(one["outcome"] in ("accepted", "differs") for one in pulls):
        told = "; ".join(f"{one['what']}: {one['detail']}" for one in pulls)
        backfilling.tell(place.backfill, asked.id, "empty", config.operator(), told)
        backfilling.clear(asked)
        return None
    return asked.id


def pull_in(
    staged: Settings, source: Source, asked: backfilling.Backfill, progress: Progress | None
) -> list[dict[str, Any]]:
    """Fetch from each mirror and land beside the live landing what is new, oldest first; tell of each."""
    pulls: list[tuple[datetime, str, Path]] = []
    for mirror in asked.mirrors:
        pull = landing.new_incoming(staged.landing, source.name)
        files = fetching.fetch(
            source, pull / "files", mirror=mirror, curated=staged.curated, progress=progress
        )
        pulls.append((max(file.retrieved_at for file in files), mirror or source.publisher, pull))
    return [file_among(staged, source, asked, *one) for one in sorted(pulls)]


def file_among(
    staged: Settings,
    source: Source,
    asked: backfilling.Backfill,
    retrieved_at: datetime,
    what: str,
    pull: Path,
) -> dict[str, Any]:
    """Read, judge and land one pull where its day says; raise Rejected when it does not pass."""
    told = {"what": what, "retrieved_at": retrieved_at.isoformat(), "vintage": None, "rows": None}
    day = retrieved_at.astimezone(UTC).date()
    if not asked.first <= day <= asked.last:
        landing.discard(pull)
        return told | {"outcome": "outside", "detail": f"retrieved {day}, which was not asked for"}
    files = fetching.read_fetched(pull / "files")
    past = landing.vintages(staged.landing, source.name)
    last = landing.before(past, retrieved_at)
    previous = landing.rows_of(source, last, reread(staged)) if last else None
    try:
        parsed = landing.parse(source, files, pull, pull / "rows.parquet")
    except SourceError as error:
        raise Rejected(str(error)) from error
    if last and previous and landing.digest_rows(previous, source.columns) == parsed.rows_digest:
        landing.discard(pull)
        return told | {"outcome": "unchanged", "rows": parsed.row_count, "detail": f"the rows of {last.id}"}
    verdict = validating.validate_vintage(
        source, parsed.rows, previous, SEEDS, config.EXPECTATIONS_DIR, pull / "judge"
    )
    shutil.rmtree(pull / "judge", ignore_errors=True)
    if not verdict.success:
        raise Rejected(f"{source.name}: {what}: the gate refuses it. {'; '.join(verdict.reasons())}")
    now = datetime.now(UTC)
    vintage = landing.accept(
        staged.landing,
        source,
        pull,
        files,
        parsed,
        json.loads(verdict.to_json()),
        now,
        backfilled=Ruling(config.operator(), now, "not decided yet", asked.id),
    )
    record(staged, source.name, retrieved_at, "accepted", vintage.id, f"{vintage.row_count} rows, {asked.id}")
    newest = past[-1].id if past and past[-1].id > vintage.id else None
    detail = (
        f"history before vintage {newest}: it changes as-of builds and revisions, not the figures in force"
        if newest
        else "the newest vintage: its figures come into force"
    )
    return told | {"outcome": "accepted", "vintage": vintage.id, "rows": vintage.row_count, "detail": detail}


def read_again(staged: Settings, source: Source, days: tuple[date, date]) -> list[dict[str, Any]]:
    """Read the vintages of a range with today's reader; tell of each whether its rows are others now.

    Raises WarehouseError when the rows of a reader's version are not what that version once read.
    """
    past = landing.vintages(staged.landing, source.name)
    wanted = [one for one in past if days[0] <= one.day <= days[1]]
    if not wanted:
        held = ", ".join(one.id for one in past) or "none"
        raise WarehouseError(f"{source.name}: no vintage from {days[0]} to {days[1]} to read; held: {held}")
    pulls: list[dict[str, Any]] = []
    for number, vintage in enumerate(past):
        if vintage not in wanted:
            continue
        with landing.scratch_directory(reread(staged)) as scratch:
            (scratch / "files").symlink_to(vintage.directory / "files")
            parsed = landing.parse(source, vintage.files, scratch, scratch / "rows.parquet")
            is_other = parsed.rows_digest != vintage.rows_digest
            if is_other and vintage.reader_version == source.reader_version:
                raise WarehouseError(
                    f"{source.name}: reader version {source.reader_version} reads {parsed.row_count} rows "
                    f"from vintage {vintage.id} that are not the {vintage.row_count} it read before. Raise "
                    f"`reader_version` in warehouse/sources/{source.name}.py, and ask for the backfill again"
                )
            before = landing.rows_of(source, past[number - 1], reread(staged)) if number else None
            verdict = validating.validate_vintage(
                source, parsed.rows, before, SEEDS, config.EXPECTATIONS_DIR, scratch / "judge"
            )
            if is_other and not verdict.success:
                raise Rejected(
                    f"{source.name}: vintage {vintage.id} read again: the gate refuses it. "
                    f"{'; '.join(verdict.reasons())}"
                )
        pulls.append(
            {
                "what": f"vintage {vintage.id} read again",
                "retrieved_at": vintage.retrieved_at.isoformat(),
                "outcome": "differs" if is_other else "unchanged",
                "vintage": vintage.id,
                "rows": parsed.row_count,
                "detail": f"{vintage.row_count} rows by reader version {vintage.reader_version}, "
                f"{parsed.row_count} by {source.reader_version}",
            }
        )
    return pulls


@plainly("backfill")
def backfill_build(backfill: str) -> str:
    """Load, transform and validate a backfill's landing beside the live one; return the backfill's id.

    Raises Rejected, with the build kept in the backfill's home, when the tests or the gate refuse it.
    """
    place = config.from_environment()
    asked = open_backfill(place, backfill, ("begun", "failed"))
    staged, report = replace(place, home=asked.home), backfilling.report_of(asked)
    if "pulls" not in report:
        raise WarehouseError(f"{asked.id}: its vintages were never gathered. Ask for the backfill again")
    try:
        build = load(force=True, place=staged)
        if build is None:
            raise WarehouseError(f"{asked.id}: nothing was loaded. Ask for the backfill again")
        validate(transform(build, staged), staged)
    except (WarehouseError, OSError) as error:
        backfill_failed(place, asked, error)
        raise as_warehouse_error(asked.source, "backfilling", error) from error
    backfilling.keep_report(asked, {"pulls": report["pulls"], "build": Path(build).name})
    return asked.id


@plainly("backfill")
def backfill_compare(backfill: str) -> dict[str, Any]:
    """Compare a backfill's build with the release that stands, and let it wait; return the report."""
    place = config.from_environment()
    asked = open_backfill(place, backfill, ("begun", "failed", "waiting"))
    report, stands = backfilling.report_of(asked), place.published / asked.ground.release
    if "build" not in report:
        raise WarehouseError(f"{asked.id}: it has no build yet. Ask for the backfill again")
    build = asked.home / "build" / report["build"]
    manifest, note = publishing.read_manifest(stands), note_of(build)
    keys = releases.keys_told(stands / "dbt_docs" / "manifest.json")
    keys |= releases.keys_told(build / "dbt" / "manifest.json")
    found = releases.compare(stands / DATABASE, build / DATABASE, keys)
    report |= {
        "id": asked.id,
        "before": stands.name,
        "after": build.name,
        "as_of": note["as_of"],
        "vintages": releases.vintages_that_differ(manifest, note),
        "tables": [asdict(one) | {"cells_changed": one.cells_changed} for one in found if one.is_different],
        "tables_equal": [one.table for one in found if not one.is_different],
    }
    backfilling.keep_report(asked, report)
    told = f"{len(report['tables'])} tables would change; approve or discard"
    backfilling.tell(place.backfill, asked.id, "waiting", config.operator(), told)
    return show_backfill(asked.id)


def list_backfills() -> list[dict[str, Any]]:
    """Tell of each backfill what was asked and where it stands, oldest first."""
    shelf = config.from_environment().backfill
    rows = []
    for asked in backfilling.backfills(shelf):
        past = backfilling.events(shelf, asked.id)
        rows.append(
            {
                "id": asked.id,
                "source": asked.source,
                "mode": asked.mode,
                "from": asked.first.isoformat(),
                "to": asked.last.isoformat(),
                "state": backfilling.state(shelf, asked.id),
                "by": past[-1].by if past else None,
                "at": past[-1].at.isoformat(timespec="seconds") if past else None,
                "why": past[-1].why if past else None,
            }
        )
    return rows


def show_backfill(backfill: str) -> dict[str, Any]:
    """Tell all that is known of a backfill: what was asked, its log and report, what is in its way."""
    place = config.from_environment()
    asked = backfilling.find(place.backfill, backfill)
    (told,) = (one for one in list_backfills() if one["id"] == asked.id)
    log = [asdict(one) | {"at": one.at.isoformat()} for one in backfilling.events(place.backfill, asked.id)]
    waits = told["state"] in backfilling.APPROVABLE
    in_the_way = list(backfilling.changes(asked.ground, ground_of(place, asked))) if waits else []
    return (
        told
        | {"mirrors": [one or "the publisher" for one in asked.mirrors], "log": log, "in_the_way": in_the_way}
        | backfilling.report_of(asked)
    )


@plainly("backfill approve")
def approve_backfill(backfill: str, why: str) -> str:
    """Land a backfill's vintages and publish the very build that was shown; return the release.

    Raises WarehouseError, with what has changed, when the live warehouse is not what the backfill was
    compared with. An approval that was killed is run again.
    """
    place, reason = config.from_environment(), insist_on_reason(why)
    asked = open_backfill(place, backfill, backfilling.APPROVABLE)
    source, who = source_named(asked.source), config.operator()
    staged, name = replace(place, home=asked.home), str(backfilling.report_of(asked)["build"])
    with landing.writing(place.landing, source.name), building(place):
        moved = backfilling.changes(asked.ground, ground_of(place, asked))
        if moved:
            raise WarehouseError(
                f"{asked.id} was compared with what is no more: {'; '.join(moved)}. Nothing was changed. "
                f"Discard it and ask again: warehouse backfill discard {asked.id} --why '…'; "
                f"warehouse backfill {asked.source} --from {asked.first} --to {asked.last}"
                + "".join(f" --mirror {one}" for one in asked.mirrors if one)
                + (" --reread" if asked.mode == "reread" else "")
            )
        backfilling.tell(place.backfill, asked.id, "approving", who, reason)
        ruling = Ruling(who, datetime.now(UTC), reason, asked.id)
        for vintage in landing.vintages(staged.landing, source.name):
            if vintage.backfilled and vintage.backfilled.about == asked.id:
                land_backfilled(place, source, vintage, ruling)
        looks = landing.checks(place.landing, source.name)
        for look in landing.checks(staged.landing, source.name):
            if look.looked_at >= backfilling.events(place.backfill, asked.id)[0].at and look not in looks:
                landing.record_check(place.landing, look)
        if (staged.build / name).exists() and not (place.build / name).exists():
            (staged.build / name).rename(place.build / name)
    stands = publishing.standing(place.published)
    release = stands.name if stands and holds(stands, staged, asked) else publish(str(place.build / name))
    backfilling.tell(place.backfill, asked.id, "approved", who, f"release {release}: {reason}")
    backfilling.clear(asked)
    return release


def land_backfilled(place: Settings, source: Source, vintage: Vintage, ruling: Ruling) -> None:
    """Land a vintage of a backfill as it was shown, with who approved it; do nothing if it is there."""
    told = json.loads((vintage.directory / "manifest.json").read_text(encoding="utf-8"))
    if landing.landed(place.landing, source.name, told["pull"]) is not None:
        return
    pull = place.landing / source.name / landing.INCOMING / told["pull"]
    landing.discard(pull)  # of a try that was killed
    backfilling.link_tree(vintage.directory, pull)
    (pull / "manifest.json").unlink()
    for path, sha256 in (
        (pull / "rows.parquet", told["rows_sha256"]),
        *((pull / "files" / file.name, file.sha256) for file in vintage.files),
    ):
        if sha256_of(path) != sha256:
            raise WarehouseError(
                f"{vintage.directory}: {path.name} is not the one that was judged. Check the disk, discard "
                "the backfill and ask for it again"
            )
    parsed = landing.Parsed(pull / "rows.parquet", vintage.row_count, vintage.rows_digest)
    verdict = told["validation"]
    at = vintage.landed_at  # what was shown is what is published, to the second
    landing.accept(place.landing, source, pull, vintage.files, parsed, verdict, at, backfilled=ruling)


@plainly("backfill discard")
def discard_backfill(backfill: str, why: str) -> None:
    """Remove what a backfill staged, on record; what was asked, its report and its log stay."""
    place, reason = config.from_environment(), insist_on_reason(why)
    asked = open_backfill(place, backfill, backfilling.OPEN)
    backfilling.tell(place.backfill, asked.id, "discarded", config.operator(), reason)
    backfilling.clear(asked)


def insist_on_reason(why: str) -> str:
    """Return a reason; raise when there is none."""
    if not why.strip():
        raise WarehouseError("a decision needs a reason: say it with --why; it goes on record")
    return why.strip()


def open_backfill(place: Settings, backfill: str, states: tuple[str, ...]) -> backfilling.Backfill:
    """Return a backfill that is in one of some states; raise with its state when it is in another."""
    asked = backfilling.find(place.backfill, backfill)
    now = backfilling.state(place.backfill, asked.id)
    if now not in states:
        raise WarehouseError(
            f"{asked.id} is {now}, and this can be done only to one that is {' or '.join(states)}. "
            f"See `warehouse backfill show {asked.id}`"
        )
    return asked


def backfill_failed(place: Settings, asked: backfilling.Backfill, error: Exception) -> None:
    """Put a backfill's failure on record; what it made is kept to be looked at."""
    backfilling.keep_report(asked, backfilling.report_of(asked) | {"error": str(error)})
    backfilling.tell(place.backfill, asked.id, "failed", config.operator(), str(error))


def ground_of(place: Settings, asked: backfilling.Backfill | None = None) -> backfilling.Ground:
    """Return what a backfill is compared with now; what `asked` itself has brought by now does not count."""
    stands = publishing.standing(place.published)
    if stands is None:
        raise WarehouseError("there is no release to compare a backfill with. Make one with: warehouse run")
    vintages = {
        f"{name} {one.id}": one.rows_digest
        for name in SOURCES
        for one in landing.vintages(place.landing, name)
        if asked is None or one.backfilled is None or one.backfilled.about != asked.id
    }
    release = stands.name
    if asked is not None and backfilling.state(place.backfill, asked.id) == "approving":
        staged = replace(place, home=asked.home)
        # published by a try that was killed before it could say so, or by a night that came between
        release = asked.ground.release if holds(stands, staged, asked) else release
    return backfilling.Ground(vintages, release, code_digest())


def holds(release: Path, staged: Settings, asked: backfilling.Backfill) -> bool:
    """Tell whether a release is a backfill's build, or was built with all that the backfill brings."""
    if release.name == backfilling.report_of(asked).get("build"):
        return True
    told = {(one["source"], one["vintage"]) for one in publishing.read_manifest(release)["vintages"]}
    brought = {
        (one.source, one.id)
        for one in landing.vintages(staged.landing, asked.source)
        if one.backfilled and one.backfilled.about == asked.id
    }
    return bool(brought) and brought <= told


def rows_of(source: str, vintage: str) -> Path:
    """Return the parsed rows of a vintage as a build reads them now."""
    place = config.from_environment()
    directory = place.landing / source / vintage
    if not (directory / "manifest.json").exists():
        raise WarehouseError(f"{directory}: this vintage is not in the landing. Restore it from the backup")
    return landing.rows_of(source_named(source), landing.read_manifest(directory), reread(place))


def reread(place: Settings) -> Path:
    """Return the cache of rows that a newer reader has read again."""
    return place.home / "reread"


def note_of(build: Path) -> dict[str, Any]:
    """Read what `load` noted of a build."""
    path = build / BUILD_NOTE
    if not path.exists():
        raise WarehouseError(f"{build}: no build is there, or it was left unfinished. Run the build again")
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return told


def told_of(vintage: Vintage) -> dict[str, Any]:
    """Tell of a vintage what a release's manifest holds of it."""
    return {
        "source": vintage.source,
        "vintage": vintage.id,
        "retrieved_at": vintage.retrieved_at.isoformat(),
        "row_count": vintage.row_count,
        "rows_digest": vintage.rows_digest,
        **({"overruled": landing.ruling_told(vintage.overruled)} if vintage.overruled else {}),
        **({"backfilled": vintage.backfilled.about} if vintage.backfilled else {}),
        "files": [asdict(file) | {"retrieved_at": file.retrieved_at.isoformat()} for file in vintage.files],
    }


def fingerprint(vintages: list[Vintage], as_of: date | None) -> str:
    """Digest all that a release is a function of: vintages, their readers, the seeds, the code, the date."""
    parts = [f"{one.source}/{one.id}/{one.rows_digest}" for one in vintages]
    parts += [f"{source.name}/{source.reader_version}" for source in SOURCES.values()]
    return hashlib.sha256("\n".join([*parts, code_digest(), str(as_of)]).encode()).hexdigest()


def code_digest() -> str:
    """Digest the dbt project (seeds in it), the expectations and the package, file by file."""
    roots = (
        (config.DBT_PROJECT_DIR, ("*.sql", "*.yml", "*.csv", "*.md")),
        (config.EXPECTATIONS_DIR, ("*.json",)),
        (Path(__file__).parent, ("*.py",)),
    )
    lines = sorted(
        f"{path.relative_to(root)} {sha256_of(path)}"
        for root, patterns in roots
        for pattern in patterns
        for path in root.rglob(pattern)
        if not {"target", "logs", "sample"} & set(path.relative_to(root).parts)
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def git_revision() -> str:
    """Return the commit of the checkout, marked `-dirty` when it has changes, or `unknown` outside of one.

    `WAREHOUSE_REVISION` says it where there is no checkout to ask: an image has neither `.git` nor git.
    """
    told = os.environ.get("WAREHOUSE_REVISION")
    if told or shutil.which("git") is None:
        return told or "unknown"
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=40", "--match", "-"],  # noqa: S607
        cwd=config.PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() if asked.returncode == 0 else "unknown"


# --- alerts -------------------------------------------------------------------------------------------


def wrong_now() -> list[Alert]:
    """Tell what is wrong now: by the landing, the release, the disk, and steps that failed under Airflow.

    A part that can't be read is an alert of its own, and hides no other.
    """
    place = config.from_environment()
    try:
        stands = what_stands(place)
    except (WarehouseError, OSError, ValueError, KeyError) as error:
        stands = f"not known, for it could not be read: {error}"
    raised = [one.alert for one in alerting.open_alerts(place.home).values() if one.is_raised]
    if not place.landing.is_dir():  # nothing was ever fetched, or this process does not see the warehouse
        return raised
    found: list[Alert] = []
    for part, look in (
        ("sources", wrong_sources),
        ("build", refused_build),
        ("revisions", revised_much),
        ("disk", low_disk),
    ):
        try:
            found += look(place, stands)
        except (WarehouseError, OSError, ValueError, KeyError, duckdb.Error) as error:
            found.append(
                alerting.step_failed(f"alerts: {part}", f"It could not be read: {error}.", stands, STATUS)
            )
    keys = {one.key for one in found}
    return alerting.in_haste([*found, *(one for one in raised if one.key not in keys)])


def what_stands(place: Settings) -> str:
    """Tell the release that readers see and the vintages in force, in one line."""
    stands = publishing.standing(place.published)
    in_force = [
        f"{name} {known[-1].id}" for name in SOURCES if (known := landing.vintages(place.landing, name))
    ]
    release = (
        f"release {stands.name}, as of {publishing.read_manifest(stands)['as_of']}"
        if stands
        else "no release yet"
    )
    return f"{release}; in force: {', '.join(in_force) or 'no vintage'}."


def wrong_sources(place: Settings, stands: str) -> list[Alert]:
    """Tell which sources were failing or rejected at their last look, and which are late."""
    found, today = [], datetime.now(UTC).date()
    for name in SOURCES:
        seen = landing.checks(place.landing, name)
        if seen and seen[-1].outcome == "failed":
            command = f"warehouse fetch {name}"
            found.append(alerting.step_failed(f"{name}: fetch", seen[-1].detail, stands, command))
        if seen and seen[-1].outcome == "rejected":
            command = f"warehouse rejected show {newest_rejected(place, name)}"
            found.append(alerting.load_rejected(name, seen[-1].detail, stands, command))
        due = alerting.last_due(SEEDS / "release_calendar.csv", name, today)
        known = landing.vintages(place.landing, name)
        # The highest id is the newest news; a day it left the publisher before `counts_from` is no news.
        if due and not any(one.day >= due.counts_from for one in known):
            newest = known[-1].id if known else None
            command = f"warehouse fetch {name}"
            found.append(alerting.source_late(name, due, newest, stands, command))
    return found


def newest_rejected(place: Settings, name: str) -> str:
    """Return the id of the newest load of a source on the rejected shelf."""
    held = [one.id for one in quarantine.shelf(place.rejected) if one.source == name and one.ruling is None]
    if not held:
        raise WarehouseError(f"{place.rejected / name}: the load that was rejected last is gone from here")
    return held[-1]


def refused_build(place: Settings, stands: str) -> list[Alert]:
    """Tell of the newest build, when it was refused after the standing release was made."""
    release, newest = publishing.standing(place.published), newest_refused(place)
    if newest is None or (release is not None and newest[0] < release.name):
        return []
    name, verdict = newest
    reason = f"Build {name} was refused: {verdict.get('error') or 'see its validation.json and Data Docs'}"
    return [alerting.step_failed("publish: build refused", reason, stands, "warehouse publish")]


def newest_refused(place: Settings) -> tuple[str, dict[str, Any]] | None:
    """Return name and verdict of the newest build that was refused, if there is one."""
    refused = [
        (build.name, verdict)
        for build in sorted(place.build.glob("2*"))
        if (verdict := verdict_of(build)) is not None and verdict["success"] is not True
    ]
    return refused[-1] if refused else None


def revised_much(place: Settings, stands: str) -> list[Alert]:
    """Tell which figures of the standing release were revised by more than their threshold."""
    release = publishing.standing(place.published)
    if release is None:
        return []
    found = big_revisions(release)
    commands = {
        one["source"]: 'warehouse query "select * from marts.mart_revision_alert where source = '
        f"'{one['source']}' and vintage = '{one['vintage']}' order by abs(change_pct) desc nulls last\""
        for one in found
    }
    return alerting.big_revisions(found, stands, commands)


def low_disk(place: Settings, stands: str) -> list[Alert]:
    """Tell when the disk has no room for another build."""
    room = room_for_a_build(place)
    if room.is_enough:
        return []
    reason = (
        f"{place.home}: {room.free_bytes / 2**30:.1f} GiB are free and a build needs "
        f"{room.needed_bytes / 2**30:.1f} GiB ({room.basis})."
    )
    return [alerting.disk_low(reason, stands, "warehouse maintain")]


def step_ended_badly(dag: str, task: str, reason: str, stands: str) -> Alert | None:
    """Put a step that failed under Airflow on record and return its alert.

    `stands` is what the DAG says of its failures. Returns None when the state on disk tells of it already.
    """
    place = config.from_environment()
    source = dag.removeprefix("ingest_")
    command = f"airflow dags trigger {dag}"
    if source in SOURCES:
        command = f"warehouse fetch {source}"
    elif dag == "publish":
        command = "warehouse publish"
    try:
        stands = f"{stands} Now: {what_stands(place)}"
        if is_last_look(place, source, reason) or is_of_refused_build(place, reason):
            return None
    except (WarehouseError, OSError, ValueError, KeyError) as error:
        stands = f"{stands} The rest could not be read: {error}"
    alert = alerting.step_failed(f"{dag}.{task}", reason, stands, command)
    alerting.note(place.home, "raised", [alert])
    return alert


def is_last_look(place: Settings, source: str, reason: str) -> bool:
    """Tell whether a failure's reason is what the last look at a source has on record."""
    seen = landing.checks(place.landing, source) if source in SOURCES else ()
    if not seen or seen[-1].outcome not in ("failed", "rejected"):
        return False
    return seen[-1].detail.split(";")[0].rstrip(".") in reason


def is_of_refused_build(place: Settings, reason: str) -> bool:
    """Tell whether a failure's reason is that of the newest refused build."""
    newest = newest_refused(place)
    return newest is not None and (newest[0] in reason or str(newest[1].get("error")) in reason)


def step_ended_well(dag: str, task: str) -> None:
    """Take what was raised of a step off the record: it has succeeded since, or had nothing to do."""
    place = config.from_environment()
    step = f"{dag}.{task}"
    known = alerting.open_alerts(place.home).values()
    alerting.note(
        place.home, "over", [one.alert for one in known if one.is_raised and one.alert.subject == step]
    )


def untold(channels: list[str], failed: Alert | None = None) -> dict[str, tuple[Alert, ...]]:
    """Tell what each channel must hear of now, and put what is no longer wrong on record as over.

    `failed` is a step that failed a moment ago, and is told of even where the ledger can't be written.
    """
    home, now = config.from_environment().home, datetime.now(UTC)
    wrong, known = wrong_now(), alerting.open_alerts(home)
    if failed and failed.key not in {one.key for one in wrong}:
        wrong = [failed, *wrong]
    keys = {one.key for one in wrong}
    alerting.note(home, "over", [one.alert for key, one in known.items() if key not in keys])
    due = {
        channel: tuple(
            one for one in wrong if channel in alerting.channels_due(one, known.get(one.key), channels, now)
        )
        for channel in channels
    }
    return {channel: alerts for channel, alerts in due.items() if alerts}


def told(channel: str, alerts: tuple[Alert, ...], reason: str = "") -> None:
    """Put on record that a channel heard of alerts or, with a reason, that it could not be reached."""
    alerting.note(config.from_environment().home, "unsent" if reason else "told", alerts, channel, reason)


def letter(alerts: tuple[Alert, ...]) -> tuple[str, str]:
    """Return subject and text of a message that tells of alerts."""
    return alerting.letter(alerts)


def alerts() -> list[dict[str, Any]]:
    """Tell what is wrong now, since when, who was told when, and which channel could not be reached."""
    known, now = alerting.open_alerts(config.from_environment().home), datetime.now(UTC)
    return [
        asdict(one)
        | {
            "since": past.since.isoformat() if past.told or past.unsent or past.is_raised else None,
            "told": {channel: at.isoformat() for channel, at in past.told.items()},
            "unsent": dict(past.unsent),
        }
        for one in wrong_now()
        for past in [known.get(one.key) or alerting.Told(one, now)]
    ]
