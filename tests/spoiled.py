"""Bad payloads: statements that change good tables, and words of each expectation that must fail.

Those of a source are in `bad_vintages` of tests/fixtures/<source>/payloads.yml, those of core and marts in
tests/fixtures/bad_releases.yml. `tests/quality/test_payloads.py` runs them, and checks that every expectation
has one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import duckdb
import yaml
from recordings import UNCTAD_REPORTS

from warehouse.config import DBT_PROJECT_DIR, EXPECTATIONS_DIR, PROJECT_ROOT
from warehouse.model import Source
from warehouse.quality import read_suites, validate_vintage
from warehouse.sources import SOURCES

FIXTURES = PROJECT_ROOT / "tests" / "fixtures"
# The codes of totals that are not S: made up, of the fixture of a report whose codes are not evidenced.
TOTALS = {"unctad_digital": "XDIG"}


@dataclass(frozen=True)
class Payload:
    """Statements that change a good table, and for each expectation that must fail, a part of its detail."""

    name: str
    source: str
    statements: tuple[str, ...]
    findings: dict[str, str]
    has_previous: bool = False


def read_payloads(file: Path) -> dict[str, Any]:
    """Return a file of payloads; empty if there is none."""
    return yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader) if file.exists() else {}


def bad_vintages(name: str) -> list[Payload]:
    """Return the bad payloads of a source."""
    found = [
        Payload(source=name, **entry | {"statements": tuple(entry["statements"])})
        for entry in read_payloads(FIXTURES / name / "payloads.yml").get("bad_vintages", ())
    ]
    # Those of two economies have other fixtures, and their payloads in their files.
    if name in UNCTAD_REPORTS and not {"partner", "foreign_economy"} & set(SOURCES[name].key):
        found += unctad_report(name)
    return found


def bad_releases() -> dict[str, tuple[tuple[str, ...], dict[str, str]]]:
    """Return statements that change a good release, and the findings that they must cause, by name."""
    return {
        entry["name"]: (tuple(entry["statements"]), entry["findings"])
        for entry in yaml.load((FIXTURES / "bad_releases.yml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    }


def spoil(good: Path, statements: Iterable[str], into: Path) -> Path:
    """Copy the database of a good release into a folder, and change it; return the copy."""
    copy = Path(shutil.copyfile(good, into / "warehouse.duckdb"))
    with duckdb.connect(str(copy)) as db:
        for statement in statements:
            db.execute(statement)
    return copy


def spoil_rows(good: Path, statements: Iterable[str], into: Path) -> Path:
    """Write the good rows of a source, changed by statements on table `rows`; return the file."""
    file, db = into / "rows.parquet", session_with(good, good.stat().st_mtime_ns)
    db.execute("create or replace temp table rows as from good_rows")
    for statement in statements:
        db.execute(statement)
    db.execute(f"copy rows to '{file}' (format parquet)")
    return file


@lru_cache(maxsize=1)
def session_with(good: Path, changed_at: int) -> duckdb.DuckDBPyConnection:
    """Open a session with the good rows of a source: to read a large file takes longer than to copy them."""
    db = in_memory().cursor()
    db.execute(f"create temp table good_rows as select * from read_parquet('{good}')")
    return db


@cache
def in_memory() -> duckdb.DuckDBPyConnection:
    """Open a database for temporary tables, once: to open one takes DuckDB 30 ms and more."""
    return duckdb.connect()


@cache
def expectations_of_suites() -> dict[str, list[dict[str, Any]]]:
    """Return the expectations of each suite as its file has them, by the name of its table."""
    return {
        suite.name: yaml.load(suite.path.read_text(encoding="utf-8"), yaml.CSafeLoader)["expectations"]
        for suite in read_suites(EXPECTATIONS_DIR)
    }


def suites_with(names: Collection[str], into: Path) -> Path:
    """Write the expectations `<table>: <name>` of some names into a folder, and one of each other suite.

    A gate takes seconds, and a payload is about some of its expectations. Good tables pass all of them.
    """
    into.mkdir()
    for suite, entries in expectations_of_suites().items():
        kept = [one for one in entries if f"{suite}: {one['name']}" in names]
        (into / f"{suite}.yml").write_text(json.dumps({"expectations": kept or entries[:1]}))
    return into


def failures(
    source: Source,
    good: Path,
    work: Path,
    *statements: str,
    has_previous: bool = True,
    only: Collection[str] = (),
) -> dict[str, str]:
    """Return the details of the expectations that fail for good rows changed by statements, by name.

    The rows are compared with the good ones if `has_previous`. Of `only` some names, the others are not run.
    """
    suites = EXPECTATIONS_DIR
    if only:
        suites = suites_with({f"raw.{source.name}: {name}" for name in only}, work / "suites")
    rows, previous = spoil_rows(good, statements, work), good if has_previous else None
    verdict = validate_vintage(source, rows, previous, DBT_PROJECT_DIR / "seeds", suites, work / "validate")
    return {finding.expectation: finding.detail for finding in verdict.findings if not finding.success}


def unctad_report(name: str) -> tuple[Payload, ...]:
    """Return the payloads of one of UNCTAD's reports without a recording, by the codes that it has."""
    key = SOURCES[name].key
    period, quarter = key[0], "Q01" if key[0] == "period" else ""
    only = "".join(
        f" and {column} = '{code}'"
        for column, code in (("flow", "02"), ("category", TOTALS.get(name, "S")), ("partner", "0000"))
        if column in key
    )
    brazil = f"economy = '076'{only} and {period} = "
    what = "quarter" if quarter else "year"
    spoil = [
        f"update rows set value = '1,234.5' where {brazil}'2016{quarter}'",
        f"update rows set value = null, missing_value = null where {brazil}'2017{quarter}'",
        f"update rows set _file = null where {brazil}'2018{quarter}'",
        f"update rows set {period} = null where {brazil}'2019{quarter}'",
        f"insert into rows select * from rows where {brazil}'2020{quarter}'",
        f"update rows set {period} = '2205{quarter}' where {brazil}'2021{quarter}'",
    ]
    findings = {
        "key is filled": f"no {period} in file",
        "key is unique": f"{period} 2020{quarter}, economy 076",
        "lineage is filled": "a row has no file",
        "values are plain numbers": "value '1,234.5' is not a plain number (1 row, first in file",
        "a cell has a value or a reason": "no value and no reason for it (1 row,",
        f"{period}s are plausible": f"'2205{quarter}' is not a {what}",
        f"{period}s run without a gap": "quarters are missing before 2205-Q1" if quarter else "and 2205",
    }
    lost = ["update rows set economy = '999' where economy in ('076', '0000')"]
    held = {"economy codes are known for most rows": "unknown economy code '999' ("}
    if "flow" in key:
        spoil += [
            "update rows set flow = '03', flow_label = 'Re-exports' where economy = '1400' and flow = '02'"
        ]
        findings |= {"flow codes are known": "unknown flow '03' labelled 'Re-exports'"}
    if "flow" in key and name not in TOTALS:
        lost += ["update rows set category = 'SZ' where category <> 'S'"]
        held |= {"service categories are known for most rows": "unknown service category 'SZ' ("}
    return (
        Payload("spoiled cells", name, tuple(spoil), findings),
        Payload(
            "another layout",
            name,
            ("alter table rows rename column footnote to remark",),
            {"columns are as expected": "'remark', expected 'footnote'"},
        ),
        Payload("an empty answer", name, ("delete from rows",), {"there are rows": "found 0"}),
        Payload("another classification", name, tuple(lost), held),
        Payload(
            "cut short, without China, in thousands",
            name,
            (
                f"delete from rows where economy = '156' and {period} > '2020'",
                f"delete from rows where {period} = (select max({period}) from rows)",
                "update rows set value = cast(cast(value as double) * 1000 as varchar) "
                "where value is not null",
                "update rows set value = null, missing_value = 'Not available' where economy = '1400'",
            ),
            {
                f"the newest {period} does not go back": f"the newest {period} is 202",
                "China and the world are present": "the newest value is from 20",
                "China has the right order of magnitude": f"China 2015{quarter}",
                "no rows are lost": "rows, the last vintage had",
                "no values are lost": "values, the last vintage had",
                "no series jumps in scale": "series China",
                "most values are unchanged": "100.0 % of",
            },
            has_previous=True,
        ),
    )
