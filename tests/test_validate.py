"""The two doors themselves: what they refuse, what they hold, what they leave behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from warehouse import validate
from warehouse.config import PROJECT_ROOT
from warehouse.errors import WarehouseError
from warehouse.model import Source, raw_schema
from warehouse.validate import (
    Finding,
    Verdict,
    build_suite,
    read_suite,
    read_suites,
    validate_release,
    validate_vintage,
)


def no_plan():  # type: ignore[no-untyped-def]
    yield from ()


TOY = Source(
    name="toy",
    title="Toy",
    publisher="Nobody",
    table="toy",
    homepage="https://example.org",
    licence="none",
    columns=("year", "value"),
    key=("year",),
    plan=no_plan,
    read=lambda files, work: iter(()),
)


def query(name: str, sql: str | list[str]) -> dict[str, object]:
    return {
        "type": "unexpected_rows_expectation",
        "kwargs": {"unexpected_rows_query": sql},
        "meta": {"name": name, "why": "To try the door."},
    }


HAS_ROWS = {
    "type": "expect_table_row_count_to_be_between",
    "kwargs": {"min_value": 1},
    "meta": {"name": "there are rows", "why": "To try the door."},
}


def suite(folder: Path, name: str, *expectations: dict[str, object]) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.json"
    file.write_text(json.dumps({"expectations": expectations}), encoding="utf-8")
    return file


def parquet(file: Path, *rows: tuple[str, str | None]) -> Path:
    columns = {
        "year": [year for year, _ in rows],
        "value": [value for _, value in rows],
        "_file": ["toy.csv" for _ in rows],
        "_row": [number for number, _ in enumerate(rows, 2)],
    }
    pq.write_table(pa.table(columns, schema=raw_schema(TOY.columns)), file)
    return file


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "economy_code.csv").write_text("scheme,code\nm49,076\nworldbank,NA\n", encoding="utf-8")
    (folder / "scale.csv").write_text("millions\n100\n1.50\n", encoding="utf-8")
    return folder


def judge(tmp_path: Path, *expectations: dict[str, object], previous: Path | None = None) -> Verdict:
    suite(tmp_path / "suites", "raw.toy", *expectations)
    rows = parquet(tmp_path / "rows.parquet", ("2019", "1.50"), ("2020", "1,5"), ("2021", None))
    return validate_vintage(TOY, rows, previous, tmp_path / "seeds", tmp_path / "suites", tmp_path / "work")


def database(file: Path, *statements: str) -> Path:
    with duckdb.connect(str(file)) as db:
        for statement in ("create schema core", "create schema marts", *statements):
            db.execute(statement)
    return file


def test_a_met_expectation_passes_and_codes_stay_text(tmp_path: Path, seeds: Path) -> None:
    verdict = judge(
        tmp_path,
        HAS_ROWS,
        query(
            "seeds are text",
            "select 'lost ' || code as finding from {batch}, (select code from seeds.economy_code union all "
            "select millions from seeds.scale) where code not in ('076', 'NA', '100', '1.50')",
        ),
    )
    assert verdict.success
    assert verdict.reasons() == ()
    assert [finding.expectation for finding in verdict.findings] == ["there are rows", "seeds are text"]


def test_a_broken_expectation_names_value_file_and_row(tmp_path: Path, seeds: Path) -> None:
    verdict = judge(
        tmp_path,
        query(
            "numbers",
            [
                "select 'value ''' || value || ''' is no number ' || places(_file, _row) as finding",
                "from {batch} where value is not null and not is_number(value) group by value",
            ],
        ),
    )
    assert not verdict.success
    assert verdict.reasons() == (
        "raw.toy: numbers: value '1,5' is no number (1 row, first in file toy.csv row 3)",
    )


def test_an_exception_inside_an_expectation_blocks(tmp_path: Path, seeds: Path) -> None:
    verdict = judge(tmp_path, HAS_ROWS, query("broken", "select nowhere as finding from {batch}"))
    assert not verdict.success
    (reason,) = verdict.reasons()
    assert "raw.toy: broken: the expectation itself raised" in reason
    assert "nowhere" in reason


def test_without_a_previous_vintage_there_is_an_empty_one(tmp_path: Path, seeds: Path) -> None:
    lost = query(
        "lost", "select 'lost ' || count(*) as finding from {batch}, previous.toy having count(*) > 0"
    )
    assert judge(tmp_path, lost).success
    previous = parquet(tmp_path / "previous.parquet", ("2019", "1.50"))
    assert judge(tmp_path, lost, previous=previous).reasons() == ("raw.toy: lost: lost 3",)


def test_a_previous_vintage_of_fewer_columns_is_read_with_nulls(tmp_path: Path, seeds: Path) -> None:
    pq.write_table(pa.table({"year": ["2019"]}), tmp_path / "previous.parquet")
    compared = query(
        "compared",
        "select 'a value' as finding from {batch}, previous.toy as standing where standing.value > ''",
    )
    assert judge(tmp_path, compared, previous=tmp_path / "previous.parquet").success


@pytest.mark.parametrize(
    ("expectation", "told"),
    [
        (
            {**HAS_ROWS, "type": "expect_table_row_cuont_to_be_between"},
            "expect_table_row_cuont_to_be_between",
        ),
        ({**HAS_ROWS, "kwargs": {"min_valu": 1}}, "there are rows"),
        ({**HAS_ROWS, "meta": {"name": "there are rows"}}, "has no meta.why"),
        ({**HAS_ROWS, "meta": {"why": "because"}}, "has no meta.name"),
        ({**HAS_ROWS, "severty": "info"}, "exactly type, kwargs and meta"),
    ],
)
def test_a_typo_is_refused_and_named(
    expectation: dict[str, object], told: str, tmp_path: Path, seeds: Path
) -> None:
    """Great Expectations would log the first two, drop them and pass."""
    with pytest.raises(WarehouseError, match=told) as caught:
        judge(tmp_path, query("fine", "select 1 as finding from {batch} where false"), expectation)
    assert "raw.toy.json" in str(caught.value)


def test_a_suite_that_loads_in_part_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from great_expectations.core.expectation_suite import ExpectationSuite

    class Forgetful(ExpectationSuite):
        def __init__(self, name: str, expectations: list[dict[str, object]]) -> None:
            super().__init__(name=name, expectations=expectations[1:])

    monkeypatch.setattr("great_expectations.core.expectation_suite.ExpectationSuite", Forgetful)
    file = suite(tmp_path, "raw.toy", HAS_ROWS, query("fine", "select 1 as finding from {batch} where false"))
    with pytest.raises(WarehouseError, match="2 expectations written, 1 loaded; dropped: there are rows"):
        build_suite(read_suite(file))


def test_two_expectations_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="two expectations are named 'there are rows'"):
        read_suite(suite(tmp_path, "raw.toy", HAS_ROWS, HAS_ROWS))


def test_a_missing_suite_is_refused(tmp_path: Path, seeds: Path) -> None:
    suite(tmp_path / "suites", "raw.other", HAS_ROWS)
    rows = parquet(tmp_path / "rows.parquet", ("2019", "1.50"))
    with pytest.raises(WarehouseError, match=r"raw\.toy\.json: no such suite"):
        validate_vintage(TOY, rows, None, seeds, tmp_path / "suites", tmp_path / "work")


def test_missing_seeds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="no seed file found"):
        judge(tmp_path, HAS_ROWS)


@pytest.mark.parametrize(
    ("content", "told"),
    [("{", "not JSON"), ('{"expectations": []}', "not empty"), ('{"expectation": [1]}', "one list")],
)
def test_a_suite_file_of_another_form_is_refused(content: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "raw.toy.json").write_text(content, encoding="utf-8")
    with pytest.raises(WarehouseError, match=told):
        read_suite(tmp_path / "raw.toy.json")


@pytest.mark.parametrize("name", ["mart.toy", "toy", "raw.toy.old"])
def test_a_suite_bound_to_nothing_is_refused(name: str, tmp_path: Path) -> None:
    suite(tmp_path, name, HAS_ROWS)
    with pytest.raises(WarehouseError, match="binds to no table"):
        read_suites(tmp_path)


def test_an_enumeration_that_finds_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="no suite file found"):
        read_suites(tmp_path)
    suite(tmp_path / "suites", "raw.toy", HAS_ROWS)
    build = database(tmp_path / "build.duckdb", "create table marts.mart_toy as select 1 as n")
    with pytest.raises(WarehouseError, match="no suite for core or marts"):
        validate_release(build, None, tmp_path / "suites", None, tmp_path / "work")


def test_a_suite_without_its_table_fails_the_release(tmp_path: Path) -> None:
    suite(tmp_path / "suites", "marts.mart_toy", HAS_ROWS)
    build = database(tmp_path / "build.duckdb", "create table core.dim_toy as select 1 as n")
    verdict = validate_release(build, None, tmp_path / "suites", None, tmp_path / "work")
    assert verdict.reasons() == ("marts.mart_toy: the table exists: there is no table marts.mart_toy",)


def test_a_mart_that_no_suite_judges_is_refused(tmp_path: Path) -> None:
    suite(tmp_path / "suites", "marts.mart_toy", HAS_ROWS)
    tables = ("create table marts.mart_toy as select 1 as n", "create table core.fct_new as select 1 as n")
    build = database(tmp_path / "build.duckdb", *tables)
    with pytest.raises(WarehouseError, match=r"core\.fct_new: no suite judges it"):
        validate_release(build, None, tmp_path / "suites", None, tmp_path / "work")


FEWER = query(
    "fewer",
    "select 'now ' || a.n || ', before ' || b.n || coalesce(b.added, '') as finding from "
    "(select count(*) as n from {batch}) as a, "
    "(select count(*) as n, max(added) as added from standing.mart_toy) as b where a.n < b.n",
)


def test_a_release_is_judged_next_to_the_one_that_stands(tmp_path: Path) -> None:
    """A column that the standing release has not yet reads as null there."""
    suite(tmp_path / "suites", "marts.mart_toy", FEWER)
    build = database(tmp_path / "build.duckdb", "create table marts.mart_toy as select 1 as n, 'x' as added")
    stood = database(
        tmp_path / "stood.duckdb", "create table marts.mart_toy as select n from range(3) as t (n)"
    )
    alone = validate_release(build, None, tmp_path / "suites", None, tmp_path / "work")
    beside = validate_release(build, stood, tmp_path / "suites", None, tmp_path / "work")
    assert alone.success
    assert beside.reasons() == ("marts.mart_toy: fewer: now 1, before 3",)


def test_readers_of_the_standing_release_are_not_locked_out_and_the_build_is_let_go(tmp_path: Path) -> None:
    """A reader in another process holds the release open for as long as it is judged beside the build."""
    suite(tmp_path / "suites", "marts.mart_toy", FEWER)
    table = "create table marts.mart_toy as select 1 as n, 'x' as added"
    build, stood = database(tmp_path / "build.duckdb", table), database(tmp_path / "stood.duckdb", table)
    before = (build.read_bytes(), stood.read_bytes())
    reader = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import duckdb, sys; db = duckdb.connect(sys.argv[1], read_only=True); "
            "print('open', flush=True); sys.stdin.read(); "
            "print(db.execute('select count(*) from marts.mart_toy').fetchone()[0])",
            str(stood),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "open\n"
    assert validate_release(build, stood, tmp_path / "suites", None, tmp_path / "work").success
    assert reader.communicate()[0] == "1\n"
    assert (build.read_bytes(), stood.read_bytes()) == before
    with duckdb.connect(str(build)) as db:  # the judge in this process has let go of it
        db.execute("drop table marts.mart_toy")


def test_data_docs_show_every_finding_and_load_nothing(tmp_path: Path) -> None:
    said = "<b>none</b> & nothing"
    suite(
        tmp_path / "suites",
        "marts.mart_toy",
        HAS_ROWS,
        query("said", f"select '{said}' as finding from {{batch}}"),
    )
    suite(tmp_path / "suites", "marts.mart_gone", HAS_ROWS)
    build = database(tmp_path / "build.duckdb", "create table marts.mart_toy as select 1 as n")
    docs = tmp_path / "docs"
    for _ in range(2):  # a second judgement replaces the first one's pages
        verdict = validate_release(build, None, tmp_path / "suites", docs, tmp_path / "work")
    assert not verdict.success
    front = (docs / "index.html").read_text(encoding="utf-8")
    assert "2 of 3 expectations are not met" in front
    assert "&lt;b&gt;none&lt;/b&gt; &amp; nothing" in front
    assert said not in front
    assert "there is no table marts.mart_gone" in front
    pages = sorted(docs.rglob("*.html"))
    (page,) = (page for page in pages if page.is_relative_to(docs / "validations"))
    assert f'href="{page.relative_to(docs).as_posix()}"' in front
    assert len(pages) >= 3
    for each in pages:
        html = each.read_text(encoding="utf-8")
        assert "<script" not in html, each
        assert "http" not in html, each
        assert "<style>" in html, each


def test_a_verdict_survives_its_json() -> None:
    findings = (
        Finding("raw.toy", "codes", "Codes are known.", False, "unknown code '076' 年度"),
        Finding("raw.toy", "rows", "There are some.", True, ""),
    )
    verdict = Verdict(success=False, findings=findings)
    assert Verdict.from_json(verdict.to_json()) == verdict
    assert "年度" in verdict.to_json()
    assert verdict.reasons() == ("raw.toy: codes: unknown code '076' 年度",)


def test_importing_the_module_is_cheap_and_analytics_stay_off() -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, sys, warehouse.validate as v; print('great_expectations' in sys.modules); "
            "v._quiet_great_expectations(); "
            "print(os.environ['GX_ANALYTICS_ENABLED'], 'posthog' in sys.modules)",
        ],
        check=True,
        capture_output=True,
        text=True,
        cwd=PROJECT_ROOT,
    ).stdout.split()
    assert told == ["False", "false", "False"]


def test_what_nothing_was_expected_of_does_not_pass() -> None:
    met = validate.Finding(table="t", expectation="e", why="w", success=True, detail="")
    assert validate.verdict_on([met]).success
    assert not validate.verdict_on([met, validate.Finding("t", "e", "w", False, "")]).success
    assert not validate.verdict_on([]).success
