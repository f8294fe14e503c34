"""A case: what a publisher or an analyst sends, and what the warehouse is to do with it; and its replay.

A replay fetches the answers of a case from a mirror, after the recorded nights, and accepts them with the
functions of the nightly run. New vintages are then staged by dbt. The outcome is one word:

accepted    a new vintage, and nothing to report
drift       what is not read has another layout: it is recorded; a new vintage, or the rows of the last one
held        a new vintage; its observations with an unknown code, an implausible value or a period that had
            not ended are in no table but `core.held_row`, with the remedy
part        a part of the pull failed and keeps its last figures; the other parts are new or unchanged
unchanged   the rows of the vintage in force; no new vintage
older       the answer of a mirror is older than the vintage in force, and is not taken
rejected    the answer is in quarantine, with the reasons; the vintage in force stays
failed      there is no answer of the requested kind; nothing is kept, the vintage in force stays
aside       a new vintage that cannot be staged; the last one that was published is used
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
from conftest import ingest, settings_of

from warehouse.build import stage as staging
from warehouse.build import steps
from warehouse.config import SAMPLE_DIR
from warehouse.errors import WarehouseError
from warehouse.landing import parse, quarantine, store
from warehouse.model import Check, Vintage
from warehouse.releases.store import DATABASE
from warehouse.sources import SOURCES

FIRST_DAY = date(2026, 6, 2)  # the day after the newest recorded answer; each case has a day of its own


class Answer(NamedTuple):
    """One answer: its address, its bytes and its content type."""

    address: str
    body: bytes
    content_type: str = "text/plain"


Answers = Mapping[str, Answer]  # by the name of the request
Edit = Callable[[Answers], Answers]


class Figure(NamedTuple):
    """What a table has to contain: every row that `where` selects has `value` as its `expression`.

    `table` is `raw` (the rows of the vintage in force), `staged` (its observations), or a table of the
    release such as `core.held_row`.
    """

    table: str
    where: str
    expression: str
    value: object


@dataclass(frozen=True)
class Case:
    """A situation, what is sent, and the wanted outcome.

    `answers` changes the recorded answers of the source. `reasons` are words that the reason has.
    `is_first` is a first contact: the source has no vintage. `after` names the case that comes before this
    one in the same home. `retrieved` is the day of the answer, if the order of the cases does not give it.
    `why` is the reason with which an operator accepts the rejected load.
    """

    name: str
    source: str
    situation: str
    answers: Edit
    outcome: str
    reasons: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    is_first: bool = False
    after: str = ""
    retrieved: str = ""
    why: str = ""


@dataclass(frozen=True)
class Replayed:
    """What a case came to: its home, its poll, the vintage in force, and whether that is a new one."""

    case: Case
    home: Path
    check: Check
    vintage: Vintage | None
    is_new: bool
    staged: Path | None = None
    failure: str = ""
    held: tuple[str, ...] = field(default=())

    @property
    def is_older(self) -> bool:
        """Return whether the answer was not taken, since it is older than the vintage in force."""
        return "is older than vintage" in self.check.detail

    @property
    def outcome(self) -> str:
        """Return the word for what happened."""
        if self.check.outcome in ("rejected", "failed"):
            return self.check.outcome
        if self.failure:
            return "aside"
        if self.held:
            return "held"
        if self.is_older:
            return "older"
        if self.check.failed_parts:
            return "part"
        return "drift" if self.check.drift else self.check.outcome

    @property
    def reason(self) -> str:
        """Return what the warehouse reports about the load."""
        if self.failure:
            return self.failure
        found = [self.check.detail] if self.is_older else list(self.held)
        found += [f"{one.part}: {one.reason}" for one in self.check.failed_parts]
        found += dict.fromkeys(one.detail for one in self.check.drift)
        return "; ".join(found or [self.check.detail])


# --- the mirror ---------------------------------------------------------------------------------------


def recorded_answers(landing: Path, source: str) -> dict[str, Answer]:
    """Return the answers of the newest recorded vintage of a source; none if it was never recorded."""
    newest = store.vintages(landing, source)[-1:]
    return {
        file.name: Answer(
            file.address,
            (one.directory / "files" / file.name).read_bytes(),
            file.content_type or "text/plain",
        )
        for one in newest
        for file in one.files
    }


def write_mirror(folder: Path, answers: Answers, day: str) -> Path:
    """Write answers, and the index that a mirror has; return the folder."""
    folder.mkdir(parents=True)
    entries = []
    for number, answer in enumerate(answers.values(), start=1):
        (folder / f"{number}").write_bytes(answer.body)
        entries.append(
            {
                "address": answer.address,
                "file": f"{number}",
                "retrieved_at": f"{day}T00:00:00Z",
                "content_type": answer.content_type,
                "sha256": hashlib.sha256(answer.body).hexdigest(),
            }
        )
    (folder / "index.json").write_text(json.dumps({"name": folder.name, "answers": entries}))
    return folder


def build_beside(home: Path, recorded: Iterable[str], name: str, answers: Answers, day: str) -> Path:
    """Return the database of a build of recorded sources, and of a source with other answers of a day."""
    for source in recorded:
        assert ingest(settings_of(home, SAMPLE_DIR / "night-2"), source)
    settings = settings_of(home, write_mirror(home.parent / "mirror", answers, day))
    assert ingest(settings, name) == day
    build = steps.load(settings)
    assert build is not None
    return settings.build / steps.transform(settings, build) / DATABASE


def day_of(case: Case, cases: Iterable[Case]) -> str:
    """Return the day of a case's answers: one later for each case, so that vintages have different ids."""
    names = [one.name for one in cases]
    return case.retrieved or (FIRST_DAY + timedelta(days=names.index(case.name))).isoformat()


def ingest_case(case: Case, cases: Iterable[Case], recorded: Path, home: Path) -> Check:
    """Serve the answers of a case from a mirror, fetch and accept them in a home; return the poll."""
    answers = case.answers(recorded_answers(recorded / "landing", case.source))
    mirror = write_mirror(home.with_name(f"{home.name}-mirrors") / case.name, answers, day_of(case, cases))
    settings = settings_of(home, mirror, operator="tests")
    try:
        steps.accept(settings, case.source, steps.fetch(settings, case.source))
    except WarehouseError as error:
        assert case.source in str(error), f"{case.name}: the error does not name the source: {error}"
    return store.list_checks(settings.landing, case.source).require()[-1]


def accept_over_the_gate(case: Case, home: Path) -> Vintage:
    """Accept the newest rejected load of a case's source, as its operator does; return the vintage."""
    settings = settings_of(home, operator="tests")
    entries = [
        one for one in quarantine.list_rejected(settings.rejected).require() if one.source == case.source
    ]
    return quarantine.accept(settings, SOURCES[case.source], entries[-1], case.why)


# --- the replay ---------------------------------------------------------------------------------------


def replay(case: Case, cases: tuple[Case, ...], recorded: Path, work: Path) -> Replayed:
    """Land the answers of a case in a home of its own, which has the recorded vintages of the source."""
    home = work / case.name
    landing = home / "landing" / case.source
    if not case.is_first and (recorded / "landing" / case.source).exists():
        shutil.copytree(recorded / "landing" / case.source, landing)
    if case.after:
        earlier = next(one for one in cases if one.name == case.after)
        ingest_case(earlier, cases, recorded, home)
        if earlier.why:
            accept_over_the_gate(earlier, home)
    before = {one.id for one in store.vintages(home / "landing", case.source)}
    check = ingest_case(case, cases, recorded, home)
    newest = store.vintages(home / "landing", case.source)[-1:]
    vintage = newest[0] if newest else None
    return Replayed(case, home, check, vintage, vintage is not None and vintage.id not in before)


def replay_all(
    selected: tuple[Case, ...], recorded: Path, work: Path, cases: tuple[Case, ...]
) -> dict[str, Replayed]:
    """Replay the selected of all cases, each in a home of its own; stage all new vintages in one run of dbt.

    `recorded` is the home of the recorded nights, `work` a new directory.
    """
    found = {case.name: replay(case, cases, recorded, work) for case in selected}
    rows = {
        name: (one.vintage, parse.rows_of(SOURCES[one.case.source], one.vintage, one.home / "reread"))
        for name, one in found.items()
        if one.is_new and one.vintage is not None
    }
    parsed = work / "parsed.msgpack"
    staged = staging.stage(work / "staged", work / "staging", SOURCES, list(rows.values()), parsed)
    for name, (vintage, _) in rows.items():
        key = (vintage.source, vintage.id)
        path = staged.files.get(key)
        found[name] = replace(
            found[name],
            staged=path,
            failure=staged.failures.get(key, ""),
            held=held_in(path, vintage) if path else (),
        )
    return found


def held_in(staged: Path, vintage: Vintage) -> tuple[str, ...]:
    """Return the codes that a build holds out of its tables, and the periods that had not ended."""
    code = "(list_filter([reporter, partner, region, service, indicator], lambda one: contains(one, '?')))[1]"
    with duckdb.connect() as db:
        db.execute(f"create view staged as select *, {code} as mark from read_parquet('{staged}')")
        marks = db.execute(
            "select split_part(mark, '?', 2), count(*) from staged where mark is not null group by 1 "
            "order by 1"
        ).fetchall()
        periods = db.execute(
            "select distinct period_end from staged where mark is null and period_end >= ? order by 1",
            [vintage.day],
        ).fetchall()
    held = []
    for mark, count in marks:
        seed, kind, text = mark.split("|", 2)
        where = f" ({seed}.csv)" if seed else ""
        held.append(f"{kind} {text!r}{where}: {count} observation{'s' if count > 1 else ''} held")
    held += [f"the period until {end} had not ended on {vintage.day}: held" for (end,) in periods]
    return tuple(held)


# --- figures ------------------------------------------------------------------------------------------


def values_of(relation: str, figure: Figure) -> list[Any]:
    """Return the distinct values that a figure selects from a relation: a table or a Parquet file."""
    with duckdb.connect() as db:
        return query(db, relation, figure)


def query(db: duckdb.DuckDBPyConnection, relation: str, figure: Figure) -> list[Any]:
    """Return the distinct values that a figure selects, as text; a missing one is None."""
    selected = f"select distinct cast({figure.expression} as varchar) from {relation}"
    rows = db.execute(f"{selected} where {figure.where} order by 1").fetchall()
    return [value for (value,) in rows]


def faults_of(replayed: Replayed) -> list[str]:
    """Return in what a replay differs from what its case wants, raw and staged figures included."""
    case = replayed.case
    faults = []
    if replayed.outcome != case.outcome:
        faults.append(f"the outcome is {replayed.outcome}, wanted is {case.outcome}: {replayed.reason}")
    faults += [
        f"the reason lacks {text!r}: {replayed.reason}"
        for text in case.reasons
        if text not in replayed.reason
    ]
    for figure in case.figures:
        path = {"raw": replayed.vintage and replayed.vintage.rows_path, "staged": replayed.staged}.get(
            figure.table
        )
        if path:
            found = values_of(f"read_parquet('{path}')", figure)
            if found != [figure.value]:
                faults.append(
                    f"{figure.table}, {figure.where}: {figure.expression} is {found}, not {figure.value!r}"
                )
        elif figure.table in ("raw", "staged"):
            faults.append(f"no vintage with {figure.table} rows for: {figure.where}")
    return faults
