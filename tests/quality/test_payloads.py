"""Tests of the project's suites: they load, good tables pass, and every expectation fails for a bad payload.

Good rows are the recorded answers as read by the source modules, good marts are those of the release built from
them. A payload is a good table changed by SQL statements, with the findings that it must cause.
"""
# ruff: noqa: E501 (the payloads are tables: a statement and a finding on each line)

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import spoiled
import yaml
from recordings import WITHOUT_RECORDING, answer_plan

from warehouse.config import DBT_PROJECT_DIR, EXPECTATIONS_DIR, PROJECT_ROOT, SAMPLE_DIR
from warehouse.model import first_request, raw_schema
from warehouse.quality import Suite, Verdict, build_suite, read_suites, validate_release, validate_vintage
from warehouse.sources import SOURCES, wto_tismos

SEEDS = DBT_PROJECT_DIR / "seeds"
SUITES = read_suites(EXPECTATIONS_DIR)
# There is no recorded answer of these sources. Their rows come from the fixtures of the source modules' tests.
UNSAMPLED = {name: first_request(SOURCES[name].plan()).name for name in WITHOUT_RECORDING} | {
    "nbs_accounts": "new.3.values.000000.json",  # the files that have the rows
    "safe_monthly": "goods_and_services.xlsx",
}
FEW_ROWS = {"nbs_accounts": "period", "wto_services": "year"}  # and the column of their periods
# The payloads of these suites are in the tests of their sources, in test_mode_of_supply.py and test_trade_per_head.py.
SPOILED_ELSEWHERE = {
    "raw.batis",
    "raw.ons_services",
    "core.fct_mode_of_supply",
    "marts.mart_mode_of_supply",
    "marts.mart_trade_per_head",
}


@dataclass(frozen=True)
class Payload:
    """Statements that change a good table, and for each expectation that must fail, a part of its detail."""

    name: str
    source: str
    spoil: tuple[str, ...]
    findings: dict[str, str]
    has_previous: bool = False


def rows_of_fixture(name: str, into: Path) -> Path:
    """Read the small file of a source that has no recorded answer into a Parquet file."""
    source, fixtures = SOURCES[name], PROJECT_ROOT / "tests" / "fixtures" / name
    files = [UNSAMPLED[name]] if name != "wto_tismos" else list(wto_tismos.FLOWS)
    into.mkdir(parents=True)
    batches = list(source.read({file: fixtures / file for file in files}, into))
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
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the rows of each source's newest recorded answer."""
    folder = tmp_path_factory.mktemp("good")
    return {
        name: rows_of_fixture(name, folder / name)
        if name in UNSAMPLED
        else rows_of("night-2", name, folder / name)
        for name in SOURCES
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


def unctad(name: str) -> Iterator[Payload]:
    """Return the payloads of an UNCTAD table; both tables have the same layout."""
    category, only = (", category", " and category = 'S'") if name == "unctad_services" else ("", "")
    brazil = f"economy = '076' and flow = '02'{only}"
    yield Payload(
        "spoiled cells",
        name,
        (
            "update rows set flow = '03', flow_label = 'Re-exports' where economy = '012' and year = '2015'",
            f"update rows set value = '1,234.5' where {brazil} and year = '2010'",
            f"update rows set value = 'n/a' where {brazil} and year = '2011'",
            f"update rows set value = '-7.5' where {brazil} and year = '2012'",
            f"update rows set value = null, missing_value = null where {brazil} and year = '2013'",
            f"update rows set _file = null where {brazil} and year = '2014'",
            f"update rows set year = null where {brazil} and year = '2016'",
            f"insert into rows select * from rows where {brazil} and year = '2018'",
            f"update rows set year = '2205' where {brazil} and year = '2019'",
            f"update rows set value = '1' where economy = '0000' and year = '2009'{only}",
        ),
        {
            "key is filled": "no year in file",
            "key is unique": "economy 076, flow 02"
            + (", category S" if category else "")
            + " occurs 2 times",
            "lineage is filled": "a row has no file",
            "flow codes are known": "unknown flow '03' labelled 'Re-exports'",
            "values are plain numbers": "value '1,234.5' is not a plain number (1 row, first in file",
            "a cell has a value or a reason": "no value and no reason for it (1 row,",
            **({} if category else {"values are not negative": "economy 076, flow 02, year 2012 is -7.5"}),
            "years are plausible": "'2205' is not a year",
            "years run without a gap": "and 2205",
            "economies add up to the world": "year 2009, flow 01",
        },
    )
    yield Payload(
        "another layout",
        name,
        ("alter table rows rename column footnote to remark",),
        {"columns are as expected": "'remark', expected 'footnote'"},
    )
    yield Payload("an empty answer", name, ("delete from rows",), {"there are rows": "found 0"})
    yield Payload(
        "cut short, without China, in thousands",
        name,
        (
            "delete from rows where economy = '156' and year > '2020'",
            "delete from rows where year = (select max(year) from rows)",
            "delete from rows where economy < '300' and economy not in ('156', '0000')",
            "update rows set value = cast(cast(value as double) * 1000 as varchar) where value is not null",
            "update rows set value = null, missing_value = 'Not available' where economy > '700'",
        ),
        {
            "the newest year does not go back": "the newest year is 202",
            "China and the world are present": "economy 156, flow 01: the newest value is from 2020",
            "China has the right order of magnitude": "China 2015, flow 01",
            "no rows are lost": "rows, the last vintage had",
            "no values are lost": "values, the last vintage had",
            "no series jumps in scale": "series China, flow 01: the median of",
            "most values are unchanged": "100.0 % of",
        },
        has_previous=True,
    )
    yield Payload(
        "another classification",
        name,
        ("update rows set economy = '999' where economy > '500'",),
        {"economy codes are known for most rows": "unknown economy code '999' ("},
    )
    if category:
        yield Payload(
            "categories that no seed has",
            name,
            ("update rows set category = 'SZ' where year > '2015'",),
            {"service categories are known for most rows": "unknown service category 'SZ' ("},
        )


WORLDBANK = (
    Payload(
        "spoiled cells",
        "worldbank_wdi",
        (
            "update rows set indicator_id = indicator_id || '.X' where indicator_id like '%.ZS' and indicator_id <> 'BX.GSR.TRAN.ZS'",
            "update rows set country_id = 'QQ' where date > '2003' and indicator_id like 'B%' and indicator_id not in ('BX.GSR.ROYL.CD', 'BX.GSR.NFSV.CD')",
            "update rows set value = 'n/a' where date = '2002' and indicator_id = 'BX.GSR.ROYL.CD'",
            "update rows set value = '-' || value where date > '2015' and indicator_id = 'BM.GSR.ROYL.CD'",
            "update rows set value = '101' where date > '2015' and indicator_id = 'BX.GSR.TRAN.ZS'",
            "update rows set unit = 'million' where date = '2004' and indicator_id = 'BX.GSR.ROYL.CD'",
            "update rows set date = '2205' where date = '2005' and indicator_id = 'BX.GSR.ROYL.CD'",
            "update rows set date = null where date = '2006' and indicator_id = 'BX.GSR.ROYL.CD'",
            "update rows set _row = null where date = '2007' and indicator_id = 'BX.GSR.ROYL.CD'",
            "insert into rows select * from rows where date = '2008' and indicator_id = 'BX.GSR.ROYL.CD'",
            "update rows set indicator_name = 'GDP (constant 2015 US dollars)' where indicator_id = 'NY.GDP.MKTP.CD'",
            "update rows set value = '9e14' where indicator_id = 'TX.VAL.SERV.CD.WT' and date = '2010'",
        ),
        {
            "indicator codes are known for most rows": "unknown indicator 'BG.GSR.NFSV.GD.ZS.X' (64 rows, first in file",
            "country codes are known for most rows": "unknown country id 'QQ' (",
            "values are plain numbers": "value 'n/a' is not a plain number (1 row,",
            "amounts are positive and shares are percents": "BM.GSR.ROYL.CD: 7 of 26 values are out of range, the lowest -",
            "the unit column is empty": "indicator BX.GSR.ROYL.CD has unit 'million'",
            "years are plausible": "date '2205' is not a year",
            "years run without a gap": "and 2205",
            "key is filled": "no date in file",
            "key is unique": "indicator_id BX.GSR.ROYL.CD, country_id CN, date 2008 occurs 2 times",
            "lineage is filled": "row number",
            "indicator names contain the expected unit": "'GDP (constant 2015 US dollars)', expected unit million",
            "totals of China cover their parts": "China 2010: commercial services exports exceed",
        },
    ),
    Payload(
        "a column less",
        "worldbank_wdi",
        ("alter table rows drop column obs_status",),
        {"columns are as expected": "expected"},
    ),
    Payload("an empty answer", "worldbank_wdi", ("delete from rows",), {"there are rows": "found 0"}),
    Payload(
        "another economy",
        "worldbank_wdi",
        ("update rows set country_id = 'DE', country_name = 'Germany'",),
        {"China is present": "no value of China (country_id CN) in 1408 rows"},
    ),
    Payload(
        "an old page, cut short, in thousands",
        "worldbank_wdi",
        (
            "delete from rows where date > '2019' or date < '1970'",
            "update rows set value = null where indicator_id = 'BX.GSR.INSF.ZS'",
            "update rows set value = cast(cast(value as double) / 1000 as varchar) where value is not null",
        ),
        {
            "the newest year does not go back": "the newest date is 2019, in the last vintage it was 2021",
            "no indicator is lost": "indicator BX.GSR.INSF.ZS has no value, in the last vintage it had 40",
            "China has the right order of magnitude": "China 2015, NY.GDP.MKTP.CD: 11061572618",
            "no rows are lost": "there are 1100 rows, the last vintage had 1364",
            "no values are lost": "the last vintage had 918",
            "no series jumps in scale": "indicator NY.GDP.MKTP.CD of China: the median of 50 values is 0.001 times",
            "most values are unchanged": "100.0 % of",
        },
        has_previous=True,
    ),
)

DOLLARS = "sheet = '年度BOP（美元） '"
SAFE = (
    Payload(
        "spoiled cells",
        "safe_bop",
        (
            f"update rows set item_code = replace(item_code, '.b.', '.c.') where not {DOLLARS} and item_code in ('1.A.b.8', '1.A.b.9', '1.A.b.10', '1.A.b.11', '1.A.b.12')",
            "update rows set unit = '万美元' where sheet = '季度BOP（美元）' and period = '2003Q1'",
            "update rows set entry = '净额' where item_code = '1.A.b.4' and entry = 'balance' and period = '2012'",
            f"update rows set value = '1,234.5' where {DOLLARS} and item_code = '1.A.b.3' and period = '2010' and entry = 'credit'",
            f"update rows set value = '17.5' where {DOLLARS} and item_code = '1.A.b.3' and period = '2011' and entry = 'debit'",
            f"update rows set value = '99999' where {DOLLARS} and item_code = '1.A' and period = '2014' and entry = 'credit'",
            f"update rows set period = '2013Q5' where {DOLLARS} and period = '2013'",
            f"update rows set period = null where {DOLLARS} and period = '1999' and item_code = '1.A'",
            f"update rows set _row = 0 where {DOLLARS} and period = '2000' and item_code = '1.A'",
            f"insert into rows select * from rows where {DOLLARS} and period = '2001' and item_code = '1.A.b.7'",
            "update rows set value = cast(cast(value as double) * 2 as varchar) where sheet = '年度BOP（人民币）' and period = '2018' and entry = 'credit'",
            f"update rows set value = trim(value, '-') where {DOLLARS} and item_code = '1.A.b.4' and entry = 'debit'",
        ),
        {
            "item codes are known for most rows": "unknown item code '1.A.c.10' (",
            "units are known": "unknown unit '万美元' (45 rows",
            "entries are known": "unknown entry '净额'",
            "every sheet has its unit": "unknown sheet '季度BOP（美元）' in unit '万美元' (45 rows",
            "every sheet has all fifteen items, three entries each": "period 2001: 48 of 45 cells",
            "values are plain numbers": "value '1,234.5' is not a plain number (1 row, first in file bop_bpm6.xlsx",
            "most credits are not negative, most debits not positive": "'年度BOP（美元） ': 50 of 1111 values of debit",
            "credit and debit add up to the balance": "credit and debit add up to",
            "the twelve services add up to all services": "debit: the twelve services add up to",
            "goods and services add up to their total": "period 2014, credit: goods and services add up to",
            "four quarters add up to the year": "人民币 2018, item 1.A.b, credit: four quarters add up to",
            "sheets are converted at one rate": "services 2018: 13.",
            "periods fit their sheet": "has period '2013Q5' (45 rows",
            "periods run without a gap": "no rows between 2012 and 2014",
            "key is filled": "no period in file",
            "key is unique": "period 2001, item_code 1.A.b.7, entry credit occurs 2 times",
            "lineage is filled": "row number",
        },
    ),
    Payload(
        "a column more",
        "safe_bop",
        ("alter table rows add column note varchar",),
        {"columns are as expected": "'note'"},
    ),
    Payload("an empty answer", "safe_bop", ("delete from rows",), {"there are rows": "found 0"}),
    Payload(
        "a sheet less, an old one, millions for hundreds of millions",
        "safe_bop",
        (
            "delete from rows where sheet = '季度BOP（SDR）'",
            f"delete from rows where {DOLLARS} and period > '2020'",
            "update rows set value = '/' where period < '1990'",
            "update rows set value = cast(cast(value as double) * 100 as varchar) where value <> '/'",
        ),
        {
            "no sheet is lost": "no rows of sheet '季度BOP（SDR）', the last vintage had 1440",
            "China has the right order of magnitude": "services 2015, credit: 217399.",
            "no sheet's newest period goes back": "'年度BOP（美元） ' ends with 2020, in the last vintage it ended with 2023",
            "no rows are lost": "the last vintage had 12960",
            "no values are lost": "the last vintage had 12960",
            "no series jumps in scale": "sheet 年度BOP（人民币）, credit: the median of",
            "most values are unchanged": "100.0 % of",
        },
        has_previous=True,
    ),
)

PAYLOADS = (
    *unctad("unctad_services"),
    *unctad("unctad_goods"),
    *WORLDBANK,
    *SAFE,
    *(
        Payload(name, source, spoil, findings, has_previous)
        for source, name, spoil, findings, has_previous in spoiled.RAW
    ),
)


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: f"{payload.source}, {payload.name}")
def test_bad_vintage_is_rejected_by_name(
    payload: Payload, good: dict[str, Path], earlier: Path, tmp_path: Path
) -> None:
    rows = spoiled.spoil_rows(good[payload.source], payload.spoil, tmp_path)
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


# The statements change core and marts of the release built from the recorded answers.
SPOILED_MARTS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "spoiled rows": (
        (
            "insert into core.fct_services_trade select * from core.fct_services_trade where reporter = 'BRA' and period_label = '2015'",
            "insert into core.fct_goods_trade select * from core.fct_goods_trade where reporter = 'BRA' and period_label = '2015'",
            "insert into core.fct_indicator select * from core.fct_indicator where period_label = '2015'",
            "insert into core.fct_revision select * from core.fct_revision where period_label = '2015'",
            "update core.fct_revision set vintage = '2020-01-01' where period_label = '2014'",
            "update core.fct_services_trade set _row = null where reporter = 'BRA' and period_label = '2016'",
            "update core.fct_goods_trade set _file = null where reporter = 'BRA' and period_label = '2016'",
            "update core.fct_indicator set value = null where indicator = 'NY.GDP.MKTP.CD' and period_label = '2016'",
            "insert into marts.mart_trade_scale select * from marts.mart_trade_scale where reporter = 'BRA' and period_label = '2015'",
            "update marts.mart_trade_scale set world_export_share_pct = 140 where reporter = 'BRA' and period_label = '2016'",
            "update marts.mart_trade_scale set balance_million = -balance_million where reporter = 'BRA' and period_label = '2017'",
            "update marts.mart_trade_scale set exports_growth_pct = -130 where reporter = 'BRA' and period_label = '2018'",
            "update marts.mart_trade_scale set world_rank = world_rank + 20 where period_label = '2014'",
            "update marts.mart_trade_scale set exports_million = -exports_million where source = 'worldbank_wdi'",
            "update marts.mart_trade_scale set imports_million = 10 * imports_million where source = 'safe_bop' and period_label = '2020'",
            "update marts.mart_trade_scale set is_preferred = true where reporter = 'CHN' and period_label = '2021'",
            "insert into marts.mart_trade_structure select * from marts.mart_trade_structure where reporter = 'BRA' and period_label = '2015'",
            "update marts.mart_trade_structure set service_name_zh = null where service = 'SH'",
            "update marts.mart_trade_structure set share_pct = 120 where service = 'SC' and source = 'safe_bop'",
            "update marts.mart_trade_structure set value_million = 2 * value_million where source = 'data360_digital' and period_label = '2016'",
            "update marts.mart_trade_structure set share_pct = 99 where service = 'S' and reporter = 'BRA' and period_label = '2017'",
            "update marts.mart_trade_structure set is_preferred = false where reporter = 'BRA' and period_label = '2018'",
            "update marts.mart_trade_structure set growth_contribution_pp = 30 where reporter = 'BRA' and period_label = '2019' and service = 'S'",
            "insert into marts.mart_revision select * from marts.mart_revision where period_label = '2015'",
            "update marts.mart_revision set value = 2 * value where period_label = '2016'",
            "update marts.mart_revision set kind = 'new' where kind = 'changed' and period_label = '2013'",
            "update marts.mart_revision set previous_vintage = vintage where period_label = '2012'",
            "insert into marts.mart_freshness select * from marts.mart_freshness where source = 'unctad_goods'",
            "update marts.mart_freshness set status = 'fine' where source = 'unctad_services'",
            "delete from marts.mart_freshness where source = 'safe_bop'",
        ),
        {
            "core.fct_services_trade: keys are unique": "unctad_services, BRA, WLD, S, -, exports, A, 2015-01-01",
            "core.fct_services_trade: every row has a figure and its lineage": "unctad_services, BRA, 2016",
            "core.fct_goods_trade: keys are unique": "unctad_goods, BRA",
            "core.fct_goods_trade: every row has a figure and its lineage": "unctad_goods, BRA, 2016",
            "core.fct_indicator: keys are unique": "NY.GDP.MKTP.CD, A, 2015-01-01",
            "core.fct_indicator: every row has a figure and its lineage": "worldbank_wdi, CHN, 2016",
            "core.fct_revision: keys are unique": "2015-01-01",
            "core.fct_revision: only later vintages are revisions": "from vintage 2022-09-16 to 2020-01-01",
            "marts.mart_trade_scale: keys are unique": "unctad_services, BRA, A, 2015-01-01, 2015-12-31, USD, reported occurs 2 times",
            "marts.mart_trade_scale: figures are those of core": "safe_bop, CHN, 2020, ",
            "marts.mart_trade_scale: totals and balances follow from their flows": "safe_bop, CHN, 2020, CNY: exports",
            "marts.mart_trade_scale: most amounts are not negative": "worldbank_wdi: 41 of 41 rows have negative exports or imports",
            "marts.mart_trade_scale: shares follow from the amounts": "unctad_services, BRA, 2016, USD: world_export_share_pct is 140",
            "marts.mart_trade_scale: growth follows from the year before": "unctad_services, BRA, 2018, USD: growth of exports -130.0 %",
            "marts.mart_trade_scale: ranks have no gap": "unctad_services, 2014, USD, ABW has rank",
            "marts.mart_trade_scale: each cell has one preferred series": "CHN, A, 2021-01-01",
            "marts.mart_trade_structure: keys are unique": "unctad_services, BRA",
            "marts.mart_trade_structure: services are named in two languages": "service SH has no name",
            "marts.mart_trade_structure: figures are those of core": "data360_digital, ALB, 2016, USD, DDS exports: core",
            "marts.mart_trade_structure: shares are of the source's own total": "safe_bop, CHN, 1950, USD, SC exports: share_pct is 120",
            "marts.mart_trade_structure: the twelve services add up to the total": "safe_bop: the twelve services of",
            "marts.mart_trade_structure: each cell has one preferred series": "BRA, A, 2018-01-01",
            "marts.mart_trade_structure: contributions follow from the year before": "unctad_services, BRA, 2019, USD, S exports: growth_contribution_pp is 30",
            "marts.mart_revision: keys are unique": "2015, 2022-09-16, 2024-07-12 occurs 2 times",
            "marts.mart_revision: revision kinds fit their values": "2013: kind new with previous value",
            "marts.mart_revision: values are those of core": ", 2016, 2024-07-12: core ",
            "marts.mart_revision: vintages are in order": "2012: from vintage 2024-07-12 to 2024-07-12",
            "marts.mart_freshness: keys are unique": "unctad_goods",
            "marts.mart_freshness: counts and states are consistent": "status fine",
            "marts.mart_freshness: every source is listed": "safe_bop is missing",
            "marts.mart_freshness: no source falls back to an older vintage": "safe_bop is at vintage (none)",
        },
    ),
    "cut short": (
        (
            "delete from core.fct_services_trade where source in ('safe_bop', 'mofcom_totals') or (source = 'unctad_services' and period_label = '2024')",
            "update core.fct_services_trade set value_million = 1000 * value_million where source = 'worldbank_wdi'",
            "delete from core.fct_goods_trade where source = 'safe_bop' or (source = 'unctad_goods' and period_label = '2025')",
            "update core.fct_goods_trade set value_million = 1000 * value_million where source = 'wto_merchandise'",
            "delete from core.fct_indicator where period_start < date '2000-01-01' or period_label = '2022'",
            "update core.fct_indicator set value = 1000 * value where indicator = 'NY.GDP.MKTP.CD'",
            "delete from core.fct_revision where kind = 'changed'",
            "delete from marts.mart_revision where kind = 'changed'",
            "delete from marts.mart_trade_scale where source = 'ons_services'",
            "delete from marts.mart_trade_structure where source = 'atlas_services'",
        ),
        {
            "core.fct_services_trade: every landed source has rows in a fact": "mofcom_totals has landed",
            "core.fct_services_trade: no source lost rows": "safe_bop has 0 rows, the current release has 7488",
            "core.fct_services_trade: no source's newest period goes back": "unctad_services, A: the newest period ends 2023-12-31, in the current release 2024-12-31",
            "core.fct_services_trade: no source shifted as a whole": "worldbank_wdi, A, exports, USD: the median of",
            "core.fct_services_trade: no source differs from its neighbours by a unit": "worldbank_wdi, exports of S in USD, 2005: the median of 1 values is",
            "core.fct_goods_trade: no source lost rows": "safe_bop has 0 rows",
            "core.fct_goods_trade: no source's newest period goes back": "unctad_goods, A: the newest period ends 2024-12-31, in the current release 2025-12-31",
            "core.fct_goods_trade: no source shifted as a whole": "wto_merchandise, A, exports, USD: the median of",
            "core.fct_goods_trade: no source differs from its neighbours by a unit": "wto_merchandise, exports in USD, 1948: the median of",
            "core.fct_indicator: no source lost rows": "worldbank_wdi has",
            "core.fct_indicator: no source's newest period goes back": "worldbank_wdi, A: the newest period ends 2021-12-31, in the current release 2022-12-31",
            "core.fct_indicator: no source shifted as a whole": "worldbank_wdi, NY.GDP.MKTP.CD, A: the median of",
            "core.fct_revision: revisions of released vintages stay": "worldbank_wdi has 46 revisions, the current release has 189",
            "marts.mart_trade_scale: figures are those of core": "mart -",
            "marts.mart_trade_structure: figures are those of core": "atlas_services, ABW, 1986, USD, ATLAS401 exports: core",
        },
    ),
    "empty": (
        (
            "delete from core.fct_services_trade",
            "delete from core.fct_indicator",
            "delete from marts.mart_trade_scale",
            "delete from marts.mart_trade_structure",
            "delete from marts.mart_freshness where source <> 'worldbank_wdi'",
            "delete from marts.mart_revision",
        ),
        {
            "core.fct_services_trade: there are rows": "found 0",
            "core.fct_revision: mart_revision has every revision": "worldbank_wdi: there are 189 revisions in this table and 0 in mart_revision",
            "marts.mart_trade_scale: there are rows": "found 0",
            "marts.mart_trade_structure: there are rows": "found 0",
        },
    ),
    "nothing landed": (
        ("delete from marts.mart_freshness",),
        {
            "marts.mart_freshness: there are rows": "found 0",
            "marts.mart_freshness: at least one source has landed": "no source has a figure",
        },
    ),
    **spoiled.MARTS,
}


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
