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
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from warehouse import fetch as fetching
from warehouse import landing, settings
from warehouse import load as loading
from warehouse import publish as publishing
from warehouse import transform as transforming
from warehouse import validate as validating
from warehouse.durable import sha256_of, write_whole
from warehouse.settings import Settings
from warehouse.source import Fetched, Rejected, Request, Source, SourceError, Vintage, WarehouseError
from warehouse.sources import SOURCES

BUILD_NOTE = "build.json"
LOADED = "loaded.duckdb"
VERDICT = "validation.json"
DATABASE = "warehouse.duckdb"
SEEDS = settings.DBT_PROJECT_DIR / "seeds"
Progress = Callable[[Request, int], None]


def source_named(name: str) -> Source:
    """Return the source of a name; raise with the known names when there is none."""
    if name not in SOURCES:
        raise WarehouseError(f"there is no source named {name!r}; known are {', '.join(SOURCES)}")
    return SOURCES[name]


# --- ingest -------------------------------------------------------------------------------------------


def fetch(name: str, progress: Progress | None = None) -> str:
    """Download one complete pull of a source; return its directory, which `accept` takes.

    Raises SourceError, on record as a failed check, when an answer did not come or is of the wrong kind.
    """
    source, place = source_named(name), settings.from_environment()
    with landing.writing(place.landing, name):
        past = landing.vintages(place.landing, name)
        incoming = landing.new_incoming(place.landing, name)
        try:
            fetching.fetch(
                source,
                incoming / "files",
                mirror=place.mirror,
                held=landing.held_answers(past[-1] if past else None),
                progress=progress,
            )
        except (WarehouseError, OSError) as error:
            landing.discard(incoming)
            record(place, name, None, "failed", None, str(error))
            raise as_warehouse_error(name, "fetching", error) from error
    return str(incoming)


def accept(name: str, incoming: str) -> str | None:
    """Parse, compare, judge and land a fetched pull; return its vintage, or None when it is no news.

    A vintage that landed and is in no release yet is news still: the night that landed it may have been
    killed before it could say so. Raises Rejected when the pull can't be read or doesn't pass; its bytes and
    the reasons then lie on the rejected shelf, and the last accepted vintage stays in force.
    """
    source, place, pull = source_named(name), settings.from_environment(), Path(incoming)
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
                source, parsed.rows, previous, SEEDS, settings.EXPECTATIONS_DIR, pull / "judge"
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
        except OSError as error:
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
    """Tell whether the standing release was built with a vintage."""
    stands = publishing.standing(place.published)
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


def load(as_of: str | None = None, force: bool = False) -> str | None:
    """Make a new build of the landing as of a date (ISO; the newest knowledge if None); return its directory.

    Returns None when the standing release was built from the same vintages, seeds and code.
    """
    place = settings.from_environment()
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
        sweep(place)
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
        build = place.build / f"{started:%Y%m%dT%H%M%S%fZ}"
        loading.load(
            build / LOADED,
            SOURCES,
            [
                (one, landing.rows_of(SOURCES[name], one, reread(place)))
                for name, some in known.items()
                for one in some
            ],
            [(c.source, number, c.checked_at, c.outcome, c.vintage, c.detail) for number, c in checks],
        )
        note = {
            "as_of": known_until.isoformat(),
            "is_of_the_past": known != landed,
            "fingerprint": mark,
            "git_revision": git_revision(),
            "code_sha256": code_digest(),
            "started_at": started.isoformat(),
            "versions": {name: version(name) for name in ("duckdb", "dbt-core", "great-expectations")},
            "vintages": [told_of(one) for some in known.values() for one in some],
        }
        write_whole(build / BUILD_NOTE, json.dumps(note, indent=2, ensure_ascii=False) + "\n")
    return str(build)


def transform(build: str) -> str:
    """Run dbt over a build and seal it; return its directory."""
    place, here = settings.from_environment(), Path(build)
    with building(place):
        as_of = date.fromisoformat(note_of(here)["as_of"])
        try:
            transforming.transform(
                here / LOADED, here / DATABASE, settings.DBT_PROJECT_DIR, here / "dbt", as_of
            )
        except Rejected as error:
            keep_verdict(here, {"success": False, "error": str(error)})
            raise
    return build


def validate(build: str) -> str:
    """Judge a build next to the release that stands; return its directory, or raise Rejected with why.

    A build of the past, which leaves out vintages that are landed, is judged alone: it is meant to know less.
    """
    place, here = settings.from_environment(), Path(build)
    with building(place):
        stands = publishing.standing(place.published)
        if note_of(here)["is_of_the_past"]:
            stands = None
        for left in (here / "data_docs", here / "judge"):  # of a validation that was killed
            shutil.rmtree(left, ignore_errors=True)
        verdict = validating.validate_release(
            here / DATABASE,
            stands / DATABASE if stands else None,
            settings.EXPECTATIONS_DIR,
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


def publish(build: str) -> str:
    """Swap a validated build in as the newest release; return the release's name.

    A build of the past becomes a release beside the others; `latest` stays, unless there is none.
    """
    place, here = settings.from_environment(), Path(build)
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
            note | {"published_at": datetime.now(UTC).isoformat(), "validation": verdict},
            is_latest=stands is None or not note["is_of_the_past"],
        )
        shutil.rmtree(here)
    return release.name


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
    write_whole(build / VERDICT, text + "\n")


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


def rows_of(source: str, vintage: str) -> Path:
    """Return the parsed rows of a vintage as a build reads them now."""
    place = settings.from_environment()
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
        (settings.DBT_PROJECT_DIR, ("*.sql", "*.yml", "*.csv", "*.md")),
        (settings.EXPECTATIONS_DIR, ("*.json",)),
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
    """Return the commit of the checkout, marked `-dirty` when it has changes, or `unknown` outside of one."""
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=40", "--match", "-"],  # noqa: S607
        cwd=settings.PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() if asked.returncode == 0 else "unknown"
