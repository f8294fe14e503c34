"""Tests of the suites: they load, good tables pass, and every expectation fails for a bad payload.

Good rows are the recorded answers as read by the source modules, good marts are those of the release built
from them. A payload is a good table changed by SQL statements, with the findings that it must cause.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import spoiled
import yaml
from recordings import WITHOUT_RECORDING, answer_plan

from warehouse.config import DBT_PROJECT_DIR, EXPECTATIONS_DIR, PROJECT_ROOT, SAMPLE_DIR
from warehouse.model import raw_schema
from warehouse.quality import Suite, Verdict, build_suite, read_suites, validate_release, validate_vintage
from warehouse.sources import SOURCES

SEEDS = DBT_PROJECT_DIR / "seeds"
SUITES = read_suites(EXPECTATIONS_DIR)
# The rows of sources without a recorded answer come from the fixtures of their tests: the answers to all
# requests, and of these the files that have the rows.
FILES = {
    "nbs_accounts": ("new.3.values.000000.json",),
    "safe_monthly": ("goods_and_services.xlsx",),
}
FEW_ROWS = {"nbs_accounts": "period", "wto_services": "year"}  # and the column of their periods
# Their payloads are in the tests of the sources, in test_mode_of_supply.py and test_trade_per_head.py.
SPOILED_ELSEWHERE = {
    "raw.batis",
    "raw.ons_services",
    "core.fct_mode_of_supply",
    "marts.mart_mode_of_supply",
    "marts.mart_trade_per_head",
}


def rows_of_fixture(name: str, into: Path) -> Path:
    """Read the small file of a source that has no recorded answer into a Parquet file."""
    source, fixtures = SOURCES[name], PROJECT_ROOT / "tests" / "fixtures" / name
    files = {file: fixtures / file for file in FILES.get(name, ())}
    files = files or answer_plan(source.plan(), lambda request: fixtures / request.name)
    into.mkdir(parents=True)
    batches = list(source.read(files, into))
    pq.write_table(pa.Table.from_batches(batches, schema=raw_schema(source.columns)), into / "rows.parquet")
    return into / "rows.parquet"


def rows_of(night: str, name: str, into: Path) -> Path:
    """Read a source's answers of a recorded night into a Parquet file."""
    base, source = SAMPLE_DIR / night, SOURCES[name]
    answers = {
        answer["address"]: answer for answer in json.loads((base / "index.json").read_text())["answers"]
    }
    files = answer_plan(source.plan(), lambda request: base / answers[request.address]["file"])
    into.mkdir(parents=True)
    table = pa.Table.from_batches(list(source.read(files, into)), schema=raw_schema(source.columns))
    pq.write_table(table, into / "rows.parquet")
    return into / "rows.parquet"


@pytest.fixture(scope="session")
def good(asked_sources: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the rows of each source's newest recorded answer."""
    folder = tmp_path_factory.mktemp("good")
    return {
        name: rows_of_fixture(name, folder / name)
        if name in WITHOUT_RECORDING
        else rows_of("night-2", name, folder / name)
        for name in asked_sources
    }


@pytest.fixture(scope="session")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the World Bank's rows of the earlier edition."""
    return rows_of("night-1", "worldbank_wdi", tmp_path_factory.mktemp("earlier") / "worldbank_wdi")


def validate(
    name: str, rows: Path, previous: Path | None, work: Path, suites: Path = EXPECTATIONS_DIR
) -> Verdict:
    return validate_vintage(SOURCES[name], rows, previous, SEEDS, suites, work)


def details(verdict: Verdict) -> dict[str, str]:
    return {f"{f.table}: {f.expectation}": f.detail for f in verdict.findings if not f.success}


def test_every_source_fact_and_mart_has_a_suite() -> None:
    names = {suite.name for suite in SUITES}
    assert len(SUITES) == len(list(EXPECTATIONS_DIR.glob("*.yml"))) >= 12
    assert SOURCES
    assert {f"raw.{name}" for name in SOURCES} == {name for name in names if name.startswith("raw.")}
    models = [
        f"{folder}.{path.stem}"
        for folder, pattern in (("core", "fct_*.sql"), ("marts", "*.sql"))
        for path in (DBT_PROJECT_DIR / "models" / folder).glob(pattern)
    ]
    assert len(models) >= 8
    assert set(models) == {name for name in names if not name.startswith("raw.")}


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_suite_loads_completely_and_has_reasons(suite: Suite) -> None:
    written = yaml.safe_load(suite.path.read_text(encoding="utf-8"))["expectations"]
    assert len(written) >= 4
    assert len(build_suite(suite).expectations) == len(suite.expectations) == len(written)
    for entry in written:
        assert len(entry["why"]) > 20, entry["name"]
        query = entry.get("query", "{batch} as finding")
        assert "{batch}" in query, entry["name"]
        assert "as finding" in query, entry["name"]
        for clock in ("now(", "current_date", "current_timestamp", "today("):
            assert clock not in query, f"{entry['name']} depends on the current time"


def test_suite_of_the_release_gate_compares_its_own_table_alone() -> None:
    """A table that has not changed is not compared, so that no other suite may rest on its comparison."""
    for suite in SUITES:
        if suite.schema_name != "raw":
            own = {suite.table, "decided_source", "dim_vintage"}  # the last has no suite
            read = set(
                re.findall(r"\bcurrent\.(\w+)", " ".join(one.query or "" for one in suite.expectations))
            )
            assert read <= own, suite.name


@pytest.mark.parametrize("name", SOURCES)
def test_suite_expects_the_columns_of_its_source(name: str) -> None:
    (suite,) = (suite for suite in SUITES if suite.name == f"raw.{name}")
    (expected,) = (e.kwargs["column_list"] for e in suite.expectations if "column_list" in e.kwargs)
    assert expected == [*SOURCES[name].columns, "_file", "_row"]


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("has_previous", [False, True])
def test_good_rows_pass(
    name: str, has_previous: bool, good: dict[str, Path], earlier: Path, tmp_path: Path
) -> None:
    """The World Bank's previous rows are those of 2022, so that real revisions pass too."""
    previous = (earlier if name == "worldbank_wdi" else good[name]) if has_previous else None
    verdict = validate(name, good[name], previous, tmp_path)
    assert verdict.reasons() == ()
    assert verdict.success
    assert len(verdict.findings) > 10


PAYLOADS = [payload for name in SOURCES for payload in spoiled.bad_vintages(name)]
# They change core and marts of the release built from the recorded answers.
SPOILED_MARTS = spoiled.bad_releases()


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: f"{payload.source}, {payload.name}")
def test_bad_vintage_is_rejected_by_name(
    payload: spoiled.Payload, good: dict[str, Path], earlier: Path, tmp_path: Path
) -> None:
    rows = spoiled.spoil_rows(good[payload.source], payload.statements, tmp_path)
    expected = {f"raw.{payload.source}: {name}": text for name, text in payload.findings.items()}
    suites = spoiled.suites_with(expected, tmp_path / "suites")
    previous = earlier if payload.source == "worldbank_wdi" else good[payload.source]
    if column := FEW_ROWS.get(payload.source):  # three rows are too few to compare: add years
        previous = tmp_path / "previous.parquet"
        years = " union all ".join(
            f"select * replace ('{year}' as {column}) from rows" for year in ("2018", "2019", "2020")
        )
        with duckdb.connect() as db:
            db.execute(f"create table rows as select * from read_parquet('{good[payload.source]}')")
            db.execute(f"copy (from rows union all {years}) to '{previous}' (format parquet)")
    if not payload.has_previous:
        previous = None
    verdict = validate(payload.source, rows, previous, tmp_path / "work", suites)
    failed = details(verdict)
    assert not verdict.success
    for name, expected_text in expected.items():
        assert expected_text in failed.get(name, ""), f"{name}: {failed.get(name)}"
        assert any(expected_text in line and line.startswith(name) for line in verdict.reasons())


# These change tables that no other of them reads: one gate finds them all.
TOGETHER = (
    "spoiled statistics and alerts of revisions",
    "spoiled profiles",
    "spoiled quarters and months",
    "spoiled rows of market shares",
    "spoiled printed rates",
)


@pytest.mark.parametrize(
    "names", [TOGETHER, *((name,) for name in SPOILED_MARTS if name not in TOGETHER)], ids="; ".join
)
def test_bad_release_is_rejected_by_name(names: tuple[str, ...], built: Path, tmp_path: Path) -> None:
    statements = [statement for name in names for statement in SPOILED_MARTS[name][0]]
    build = spoiled.spoil(built, statements, tmp_path)
    expected = {name: text for one in names for name, text in SPOILED_MARTS[one][1].items()}
    suites = spoiled.suites_with(expected, tmp_path / "suites")
    verdict = validate_release(build, built, suites, None, tmp_path / "work")
    failed = details(verdict)
    assert not verdict.success
    for expectation, expected_text in expected.items():
        assert expected_text in failed.get(expectation, ""), f"{expectation}: {failed.get(expectation)}"


@pytest.mark.each_source
def test_every_expectation_has_a_payload_that_fails_it() -> None:
    """An expectation that no payload fails may be one that cannot fail."""
    written = {
        f"{suite.name}: {expectation.name}"
        for suite in SUITES
        if suite.name not in SPOILED_ELSEWHERE
        for expectation in suite.expectations
    }
    failed = {f"raw.{payload.source}: {name}" for payload in PAYLOADS for name in payload.findings}
    failed |= {name for _, findings in SPOILED_MARTS.values() for name in findings}
    assert len(written) > 100
    assert written - failed == set()
    assert failed - written == set()
