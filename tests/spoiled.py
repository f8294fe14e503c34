"""Bad payloads for the suites of the bilateral, digital, regional and curated sources, and of their marts.

Each is a list of SQL statements that change a good table, with words of the detail of each expectation that must
fail. `tests/quality/test_payloads.py` runs them and checks that every expectation has a payload.
"""
# ruff: noqa: E501 (tables: a statement and a finding on each line)

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml
from recordings import UNCTAD_REPORTS

from warehouse.config import DBT_PROJECT_DIR, EXPECTATIONS_DIR
from warehouse.model import Source
from warehouse.quality import read_suites, validate_vintage
from warehouse.sources import SOURCES

Row = tuple[str, str, tuple[str, ...], dict[str, str], bool]
# The codes of totals that are not S: made up, of the fixture of a report whose codes are not evidenced.
TOTALS = {"unctad_digital": "XDIG"}


def spoil(good: Path, statements: Iterable[str], into: Path) -> Path:
    """Copy the database of a good release into a folder, and change it; return the copy."""
    copy = Path(shutil.copyfile(good, into / "warehouse.duckdb"))
    with duckdb.connect(str(copy)) as db:
        for statement in statements:
            db.execute(statement)
    return copy


def spoil_rows(good: Path, statements: Iterable[str], into: Path) -> Path:
    """Write the good rows of a source, changed by statements on table `rows`, into a folder; return the file."""
    file = into / "rows.parquet"
    with duckdb.connect() as db:
        db.execute(f"create table rows as select * from read_parquet('{good}')")
        for statement in statements:
            db.execute(statement)
        db.execute(f"copy rows to '{file}' (format parquet)")
    return file


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


def unctad_report(name: str) -> tuple[Row, ...]:
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
        (name, "spoiled cells", tuple(spoil), findings, False),
        (
            name,
            "another layout",
            ("alter table rows rename column footnote to remark",),
            {"columns are as expected": "'remark', expected 'footnote'"},
            False,
        ),
        (name, "an empty answer", ("delete from rows",), {"there are rows": "found 0"}, False),
        (name, "another classification", tuple(lost), held, False),
        (
            name,
            "cut short, without China, in thousands",
            (
                f"delete from rows where economy = '156' and {period} > '2020'",
                f"delete from rows where {period} = (select max({period}) from rows)",
                "update rows set value = cast(cast(value as double) * 1000 as varchar) where value is not null",
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
            True,
        ),
    )


# source, name, statements, findings, whether there is a previous vintage
RAW: tuple[Row, ...] = (
    # Those of two economies have other fixtures, and payloads of their own below.
    *(
        row
        for name in UNCTAD_REPORTS
        if not {"partner", "foreign_economy"} & set(SOURCES[name].key)
        for row in unctad_report(name)
    ),
    (
        "wto_merchandise",
        "another layout",
        ("alter table rows rename column value to amount",),
        {
            "columns are as expected": "column 23 is 'amount', expected 'value'",
        },
        False,
    ),
    (
        "wto_merchandise",
        "an empty answer",
        ("delete from rows",),
        {
            "there are rows": "found 0",
            "China and the world are present": "reporter_code 000, indicator_code ITS_MTV_AM: the newest value is from n",
        },
        False,
    ),
    (
        "wto_merchandise",
        "spoiled cells",
        (
            "insert into rows select * from rows where reporter_code='156' and partner_code='000' and product_code='TO' and year='2010'",
            "insert into rows select * replace(null as year) from rows where reporter_code='156' and partner_code='000' and product_code='TO' and year='2011'",
            "insert into rows select * replace (null as _file,'1950' as year,'LAX' as reporter_code) from rows where reporter_code='156' and partner_code='000' and year='2021' limit 1",
            "update rows set year='2205' where reporter_code='076' and year='2001'",
            "update rows set indicator='Merchandise exports' where reporter_code='012' and year='2001'",
            "update rows set reporter='TÃ¼rkiye' where reporter_code='792'",
            "update rows set value=null where reporter_code='031' and year='2001'",
            "update rows set value='1,2' where reporter_code='032' and year='2001'",
            "update rows set value='-4' where reporter_code='036' and year='2001'",
            "update rows set value='9' where reporter_code='000' and year='1999'",
        ),
        {
            "key is filled": "no year in file merchandise_values_annual_dataset.zip row 110034",
            "key is unique": " times (",
            "lineage is filled": "a row has no file, or no row number from 1 on (1 row, first in file (n",
            "indicator labels match their flow": "indicator 'ITS_MTV_AM' labelled 'Merchandise exports' (18 rows",
            "names are decoded correctly": "reporter 792 is spelled 'TÃ¼rkiye' (1452 rows, first in file merchandi",
            "every row has a value": "no value (36 rows, first in file merchandise_values_annual_dataset.zip",
            "values are plain numbers": "value '1,2' is not a plain number (36 rows, first in file merchandise_val",
            "values are not negative": "reporter 036, ITS_MTV_AM, product AG, year 2001 is -4 (file merchandis",
            "years are plausible": "year '2205' is not a year from 1940 to 2100 (36 rows, first in file merch",
            "years run without a gap": "no rows between year 2023 and 2205",
            "China and the world are present": "reporter_code 000, indicator_code ITS_MTV_AM: the newest value is from 2",
            "economies add up to the world": "year 1999, indicator_code ITS_MTV_AM: economies add up to 64995566.7 %",
        },
        False,
    ),
    (
        "wto_merchandise",
        "another classification",
        (
            "update rows set value_flag_code='Z' where year > '2010'",
            "update rows set product_code='XX' where year > '2010'",
            "update rows set partner_code='XXX' where year > '2010'",
            "update rows set reporter_code='QQQ' where year > '2000'",
        ),
        {
            "economy codes are known for most rows": "unknown economy code 'QQQ' (",
            "products are known for most rows": "unknown product 'XX' (",
            "partners are known for most rows": "unknown partner 'XXX' labelled 'World' (",
            "flags are known for most rows": "unknown flag 'Z' labelled '' (",
        },
        False,
    ),
    (
        "wto_merchandise",
        "cut short, without China, in thousands",
        (
            "delete from rows where reporter_code='156' and year>'2020'",
            "delete from rows where year='2023'",
            "delete from rows where reporter_code between '300' and '600'",
            "update rows set value=cast(cast(value as bigint)*1000 as varchar)",
        ),
        {
            "the newest year does not go back": "the newest year is 2022, in the last vintage it was 2023",
            "economies add up to the world": "year 1948, indicator_code ITS_MTV_AM: economies add up to 78.8 % of th",
            "China has the right order of magnitude": "China 2015, indicator_code ITS_MTV_AX: 2273468000 is not within half a",
            "no rows are lost": "there are 146240 rows, the last vintage had 231391 (at least 95 % are",
            "no values are lost": "there are 146240 values, the last vintage had 231391 (at least 95 % ar",
            "no series jumps in scale": "series China, ITS_MTV_AM, AG: the median of 41 values is 1000.0 times",
            "most values are unchanged": "100.0 % of 137460 common values changed by more than 1 % (at most 30 % i",
        },
        True,
    ),
    (
        "wto_services",
        "another layout",
        ("alter table rows rename column value to amount",),
        {
            "columns are as expected": "column 23 is 'amount', expected 'value'",
        },
        False,
    ),
    (
        "wto_services",
        "an empty answer",
        ("delete from rows",),
        {
            "there are rows": "found 0",
            "China and the world are present": "reporter_code 000, indicator_code ITS_CS_AM6: the newest value is from n",
        },
        False,
    ),
    (
        "wto_services",
        "spoiled cells",
        (
            "insert into rows select * from rows",
            "update rows set year=null where _row=9",
            "update rows set _file=null where _row=8",
            "insert into rows select * replace('2205' as year) from rows where _row=2 limit 1",
            "update rows set indicator='Commercial services imports' where _row=2",
            "update rows set reporter='TÃ¼rkiye' where _row=6",
            "update rows set value=null where _row=5",
            "update rows set value='1,2' where _row=6",
        ),
        {
            "key is filled": "no year in file services_annual_dataset.zip row 9",
            "key is unique": " times (",
            "lineage is filled": "a row has no file, or no row number from 1 on (2 rows, first in file (",
            "indicator labels match their flow": "indicator 'ITS_CS_AX6' labelled 'Commercial services imports' (3 rows,",
            "names are decoded correctly": "reporter or partner TÃ¼rkiye (2 rows",
            "every row has a value": "no value (2 rows, first in file services_annual_dataset.zip row 5)",
            "values are plain numbers": "value '1,2' is not a plain number (2 rows, first in file services_annual_",
            "years are plausible": "year '2205' is not a year from 1940 to 2100 (1 row, first in file service",
            "years run without a gap": "no rows between year 2021 and 2205",
            "China and the world are present": "reporter_code 000, indicator_code ITS_CS_AM6: the newest value is from n",
        },
        False,
    ),
    (
        "wto_services",
        "another classification",
        (
            "update rows set reporter_code='QQQ' where _row > 5",
            "update rows set product_code='XX' where _row < 5",
            "update rows set value_flag_code='Z' where _row in (2, 4)",
        ),
        {
            "economy codes are known for most rows": "unknown economy code 'QQQ' (3 rows, first in file services_annual_data",
            "products are known for most rows": "unknown product 'XX' (3 rows, first in file services_annual_dataset.zi",
            "flags are known for most rows": "unknown flag 'Z' labelled '' (2 rows, first in file services_annual_da",
        },
        False,
    ),
    (
        "wto_services",
        "cut short, without China, in thousands",
        (
            "delete from rows where _row in (2,3)",
            "update rows set year='2019', value=cast(cast(value as double)*1000 as varchar)",
        ),
        {
            "the newest year does not go back": "the newest year is 2019, in the last vintage it was 2021",
            "China and the world are present": "reporter_code 156, indicator_code ITS_CS_AM6: the newest value is from n",
            "no rows are lost": "there are 5 rows, the last vintage had 28 (at least 95 % are expected)",
            "no values are lost": "there are 5 values, the last vintage had 28 (at least 95 % are expecte",
            "most values are unchanged": "100.0 % of 5 common values changed by more than 1 % (at most 30 % is exp",
        },
        True,
    ),
    (
        "wto_services",
        "three years, in thousands",
        (
            "create table first as from rows",
            "insert into rows select * replace ('2018' as year) from first",
            "insert into rows select * replace ('2019' as year) from first",
            "insert into rows select * replace ('2020' as year) from first",
            "update rows set value = cast(cast(value as double) * 1000 as varchar)",
        ),
        {
            "no series jumps in scale": "series China, ITS_CS_AM6: the median of 4 values is 1000.0 times that",
            "most values are unchanged": "100.0 % of 28 common values changed by more than 1 % (at most 30 % is ex",
        },
        True,
    ),
    (
        "wto_digital",
        "another layout",
        ("alter table rows rename column value to amount",),
        {
            "columns are as expected": "column 10 is 'amount', expected 'value'",
        },
        False,
    ),
    (
        "wto_digital",
        "an empty answer",
        ("delete from rows",),
        {
            "there are rows": "found 0",
            "China is present": "reporter_code CN, flow M: the newest value is from no year, the table re",
        },
        False,
    ),
    (
        "wto_digital",
        "spoiled cells",
        (
            "insert into rows select * from rows where _row=3",
            "update rows set year=null where _row=6",
            "update rows set _file=null where _row=5",
            "insert into rows select * replace('2205' as year) from rows where _row=2",
            "update rows set value='1,2' where _row=2",
        ),
        {
            "key is filled": "no year in file DDS_bulk_download.csv row 6",
            "key is unique": " times (",
            "lineage is filled": "a row has no file, or no row number from 1 on (1 row, first in file (",
            "values are plain numbers": "value '1,2' is not a plain number (2 rows, first in file DDS_bulk_downloa",
            "years are plausible": "year '2205' is not a year from 1940 to 2100 (1 row, first in file DDS_bul",
            "years run without a gap": "no rows between year 2025 and 2205",
            "China is present": "reporter_code CN, flow M: the newest value is from 2025, the table reach",
        },
        False,
    ),
    (
        "wto_digital",
        "another classification",
        (
            "update rows set reporter_code='QQ' where year > '2015'",
            "update rows set indicator='XX' where year > '2015'",
        ),
        {
            "economy codes are known for most rows": "unknown economy code 'QQ' (",
            "indicators are known for most rows": "unknown indicator 'XX' (",
        },
        False,
    ),
    (
        "wto_digital",
        "cut short, without China, in thousands",
        (
            "delete from rows where year='2025' or reporter_code='CN'",
            "update rows set value=cast(cast(value as double)*1000 as varchar)",
        ),
        {
            "the newest year does not go back": "the newest year is 2024, in the last vintage it was 2025",
            "China is present": "reporter_code CN, flow M: the newest value is from no year, the table re",
            "no rows are lost": "rows, the last vintage had 697 (at least 95 % are expected)",
            "no values are lost": "values, the last vintage had 697 (at least 95 % are expecte",
            "no series jumps in scale": "series all others, flow X: the median of",
        },
        True,
    ),
    (
        "data360_digital",
        "another layout",
        ("alter table rows rename column obs_value to amount",),
        {
            "columns are as expected": "column 6 is 'amount', expected 'obs_value'",
        },
        False,
    ),
    (
        "data360_digital",
        "an empty answer",
        ("delete from rows",),
        {
            "there are rows": "found 0",
            "China and the world are present": "ref_area CHN, indicator UNCTAD_DE_DIG_SERVTRADE_ANN_EXP has no value",
        },
        False,
    ),
    (
        "data360_digital",
        "spoiled cells",
        (
            "insert into rows select * from rows where ref_area='BRA' and time_period='2012'",
            "update rows set time_period=null where ref_area='BRA' and time_period='2013'",
            "update rows set _row=null where ref_area='BRA' and time_period='2014'",
            "update rows set time_period='2205' where ref_area='BRA' and time_period='2015'",
            "update rows set ref_area='QQQ' where ref_area > 'N' and ref_area <> 'WLD'",
            "update rows set indicator_label='Imports' where ref_area='DZA' and indicator like '%EXP'",
            "update rows set unit_mult='3' where ref_area='AGO'",
            "update rows set obs_status='O' where ref_area='AND' or ref_area='ARG'",
            "update rows set obs_value=null where ref_area='ARM'",
            "update rows set obs_value='n/a' where ref_area='AUS'",
            "update rows set obs_value='-3' where ref_area between 'AUT' and 'AZE'",
            "update rows set obs_value='7' where ref_area='WLD' and time_period='2016'",
        ),
        {
            "key is filled": "no time_period in file UNCTAD_DE.csv row 383",
            "key is unique": " times (",
            "lineage is filled": "a row has no file, or no row number from 1 on (2 rows, first in file U",
            "area codes are known for most rows": "unknown economy code 'QQQ' (",
            "indicators are known": "unknown indicator 'UNCTAD_DE_DIG_SERVTRADE_ANN_EXP' labelled 'Imports'",
            "units are known": "unknown unit 'USD' labelled '3' (28 rows, first in file UNCTAD_DE.csv",
            "a cell has a value or a reason": "no value, and status A (28 rows, first in file UNCTAD_DE.csv row 128)",
            "values are plain numbers": "value 'n/a' is not a plain number (28 rows, first in file UNCTAD_DE.csv r",
            "values are not negative": "area AUT, UNCTAD_DE_DIG_SERVTRADE_ANN_EXP, year 2010 is -3 (file UNCTA",
            "years are plausible": "year '2205' is not a year from 1940 to 2100 (2 rows, first in file UNCTAD",
            "years run without a gap": "no rows between year 2023 and 2205",
            "economies add up to the world": "year 2016, indicator UNCTAD_DE_DIG_SERVTRADE_ANN_EXP: economies add up",
        },
        False,
    ),
    (
        "data360_digital",
        "cut short, in thousands",
        (
            "delete from rows where time_period='2023'",
            "delete from rows where ref_area between 'D' and 'H'",
            "update rows set obs_value=cast(cast(obs_value as double)*1000 as varchar)",
        ),
        {
            "the newest year does not go back": "the newest year is 2022, in the last vintage it was 2023",
            "economies add up to the world": "year 2010, indicator UNCTAD_DE_DIG_SERVTRADE_ANN_EXP: economies add up",
            "China has the right order of magnitude": "China 2015, indicator UNCTAD_DE_DIG_SERVTRADE_ANN_EXP: 91104000.0 is n",
            "no rows are lost": "there are 4558 rows, the last vintage had 5721 (at least 95 % are expe",
            "no values are lost": "there are 4291 values, the last vintage had 5256 (at least 95 % are ex",
            "no series jumps in scale": "series China, UNCTAD_DE_DIG_SERVTRADE_ANN_EXP: the median of 13 values",
            "most values are unchanged": "100.0 % of 4258 common values changed by more than 1 % (at most 30 % is",
        },
        True,
    ),
    (
        "atlas_services",
        "another layout",
        ("alter table rows rename column import_value to amount",),
        {
            "columns are as expected": "column 5 is 'amount', expected 'import_value'",
        },
        False,
    ),
    (
        "atlas_services",
        "an empty answer",
        ("delete from rows",),
        {
            "there are rows": "found 0",
            "China is present": "country_id 156, product_id 4001: the newest value is from no year, the t",
        },
        False,
    ),
    (
        "atlas_services",
        "spoiled cells",
        (
            "insert into rows select * from rows where country_id='76' and year='2012'",
            "update rows set year=null where country_id='76' and year='2013'",
            "update rows set _row=null where country_id='76' and year='2014'",
            "update rows set year='2205' where country_id='76' and year='2015'",
            "update rows set export_value='n/a' where country_id='24'",
            "update rows set import_value=null where country_id='28'",
            "update rows set export_value='-5.0' where country_id in('31','32','36','40','44')",
            "update rows set country_id='999999' where product_id in ('4001', '4002') and country_id not in ('156', '914', '76')",
            "update rows set product_id='4009' where product_id in ('4003', '4004') and country_id not in ('156', '914', '76')",
        ),
        {
            "key is filled": "no year in file services_unilateral_country_product_year_4.dta row 685",
            "key is unique": " times (",
            "lineage is filled": "a row has no file, or no row number from 1 on (5 rows, first in file s",
            "country codes are known for most rows": "unknown economy code '999999' (",
            "products are known for most rows": "unknown product '4009' (",
            "values are plain numbers": "value 'n/a' is not a plain number (215 rows, first in file services_unila",
            "few values are negative": "2.52 % of the rows have a negative value, at most 1 % is expected",
            "exports balance imports": "product 4000, year 1981: exports add up to 99.179 % of imports",
            "years are plausible": "year '2205' is not a year from 1940 to 2100 (5 rows, first in file servic",
            "years run without a gap": "no rows between year 2022 and 2205",
            "China is present": "country_id 156, product_id 4001: the newest value is from 2022, the tabl",
        },
        False,
    ),
    (
        "atlas_services",
        "mostly zeros",
        ("update rows set export_value='0.0' where country_id<'600' and country_id<>'156'",),
        {
            "most values are not missing": "79.2 % of the exports are zero or empty, at most 50 % is expected",
            "exports balance imports": "product 4000, year 1980: exports add up to 43.388 % of imports",
        },
        False,
    ),
    (
        "atlas_services",
        "cut short, without China, in thousands",
        (
            "delete from rows where country_id='156' and year>'2018'",
            "delete from rows where year='2022'",
            "delete from rows where country_id between '300' and '500'",
            "update rows set export_value=cast(cast(export_value as double)*1000 as varchar)",
        ),
        {
            "exports balance imports": "product 4000, year 1980: exports add up to 99999.998 % of imports",
            "the newest year does not go back": "the newest year is 2021, in the last vintage it was 2022",
            "China is present": "country_id 156, product_id 4001: the newest value is from 2018, the tabl",
            "China has the right order of magnitude": "China 2015, product_id 4001: 44968718336000.0 is not within a fifth an",
            "no rows are lost": "there are 31275 rows, the last vintage had 44505 (at least 95 % are ex",
            "no values are lost": "there are 37281 values, the last vintage had 53916 (at least 95 % are",
            "no series jumps in scale": "series China, product 4000: the median of 6 values is 1000.0 times tha",
            "most values are unchanged": "100.0 % of 18263 common values changed by more than 1 % (at most 30 % is",
        },
        True,
    ),
    (
        "curated",
        "another layout",
        ("alter table rows rename column note to remark",),
        {
            "columns are as expected": "column 13 is 'remark', expected 'note'",
        },
        False,
    ),
    (
        "curated",
        "an empty answer",
        ("delete from rows",),
        {
            "there are rows": "found 0",
        },
        False,
    ),
    (
        "curated",
        "spoiled cells",
        (
            "update rows set flow = null where area = 'Hainan' and period = '2021' and measure = 'growth'",
            "insert into rows select * from rows where _file = 'balances_by_category.csv' and _row = 2",
            "update rows set _row = 0 where _file = 'balances_by_category.csv' and _row = 3",
            "update rows set area = 'Atlantis' where _file = 'balances_by_category.csv' and _row = 4",
            "update rows set service = 'Diplomacy' where _file = 'balances_by_category.csv' and _row = 5",
            "update rows set unit = 'dozen' where _file = 'balances_by_category.csv' and _row = 6",
            "update rows set value = '1,234.5' where _file = 'balances_by_category.csv' and _row = 7",
            "insert into rows select * replace ('https://example.org/' as page, '99' as value, 'stated' as status) from rows where _file = 'balances_by_category.csv' and _row = 8",
            "update rows set value = '99999.9' where period = '2021' and area = 'China' and measure = 'trade' and service = 'S' and flow = 'total' and currency = 'CNY'",
        ),
        {
            "key is filled": "no period/area/area_type/measure/service/flow/page in file regional_fi",
            "key is unique": " times (",
            "lineage is filled": "a row has no file, or no row number from 1 on (1 row, first in file ba",
            "units are known": "unknown unit 'dozen' (1 row, first in file balances_by_category.csv ro",
            "values are plain numbers": "value '1,234.5' is not a plain number (1 row, first in file balances_by_c",
            "pages agree on stated figures": "China, 2003, trade S balance is stated as -84.8 and 99 100 million (2",
            "flows add up": "China, 2021, S: exports 25435.0 and imports 27547.7 do not add up to the to",
        },
        False,
    ),
    (
        "curated",
        "cut short",
        ("delete from rows where _row > 20",),
        {
            "no rows are lost": "there are 76 rows, the last vintage had 527 (at least 95 % are expecte",
        },
        True,
    ),
    (
        "mofcom_totals",
        "another layout",
        ("alter table rows rename column year to period",),
        {
            "columns are as expected": "column 1 is 'period', expected 'year'",
        },
        False,
    ),
    (
        "mofcom_totals",
        "an empty answer",
        ("delete from rows",),
        {
            "there are rows": "found 0",
        },
        False,
    ),
    (
        "mofcom_totals",
        "spoiled cells",
        (
            "insert into rows select * from rows where year = '2012'",
            "update rows set total_usd = '3 April' where year = '2012'",
            "update rows set imports_rmb = '1' where year = '2021'",
            "update rows set exports_usd = '100', imports_usd = '50', total_usd = '170', balance_usd = '20' where year = '2020'",
            "update rows set year = null where year = '2017'",
            "insert into rows select * replace ('1066' as year, 0 as _row) from rows where year = '2021'",
        ),
        {
            "key is filled": "no year in file page-1.json row 3",
            "key is unique": " times (",
            "lineage is filled": "a row has no file, or no row number from 1 on (1 row, first in file pa",
            "years are plausible": "year '1066' is not a year from 1982 to 2100 (1 row, first in file page-1.",
            "amounts are in the expected format": "2012: '3 April' is neither an amount nor a sign for a missing amount (fil",
            "exports and imports add up to the total in yuan": "year 1066: exports 25,435.0 and imports 1 do not add up to 52,982.7 (file p",
            "exports and imports add up to the total in dollars": "year 2020: exports 100 and imports 50 do not add up to 170 (file page-1.jso",
            "the balance is exports less imports in yuan": "year 1066: exports 25,435.0 less imports 1 is not -2,112.8 (file page-",
            "the balance is exports less imports in dollars": "year 2020: exports 100 less imports 50 is not 20 (file page-1.json row",
        },
        False,
    ),
    (
        "mofcom_totals",
        "cut short",
        ("delete from rows where year = '2021'",),
        {
            "no rows are lost": "there are 3 rows, the last vintage had 4 (at least 95 % are expected)",
        },
        True,
    ),
    (
        "mofcom_totals",
        "in units of ten thousand yuan",
        (
            "update rows set total_rmb = cast(10000 * cast(replace(total_rmb, ',', '') as decimal(18, 1)) as varchar)",
        ),
        {
            "China has the right order of magnitude": "total of 2021: 529827000.0 is not within half and double of 52,982.7 (file page-1.json row 1)",
            "no series jumps in scale": "total_rmb: the median of 4 values is 10000.0 times that of the last vintage",
        },
        True,
    ),
    (
        "nbs_accounts",
        "another layout",
        ("alter table rows rename column unit to measure",),
        {
            "columns are as expected": "column 4 is 'measure', expected 'unit'",
        },
        False,
    ),
    (
        "nbs_accounts",
        "an empty answer",
        ("delete from rows",),
        {
            "there are rows": "found 0",
        },
        False,
    ),
    (
        "nbs_accounts",
        "spoiled cells",
        (
            "insert into rows select * replace (case when period = '2019YY' then '2018YY' else '2017YY' end as period, _row + 10 as _row) from rows where period < '2021YY'",
            "update rows set indicator_name = null where _row = 15",
            "insert into rows select * from rows where _row = 1",
            "update rows set _row = 0 where _row = 14",
            "update rows set indicator_name = '鱼' where _row = 13",
            "update rows set region = '990000' where _row = 2",
            "update rows set value = '5,1' where _row = 3",
            "update rows set value = '0' where _row = 5",
            "update rows set unit = '万元' where _row = 6",
            "insert into rows select * replace ('110000' as region, case _row when 1 then '100' else '200' end as value, 'f.json' as _file) from rows where _row in (1, 2)",
        ),
        {
            "key is filled": "no database/indicator name/region/period in file new.3.values.000000.json row 15",
            "key is unique": "indicator 国内生产总值, region 000000, period 2021YY occurs 2 times (2 rows, first in file new.3.val",
            "lineage is filled": "a row has no file, or no row number from 1 on (1 row, first in file new.3.val",
            "units are as expected": "the unit of 第三产业增加值 is 万元, expected 亿元 (1 row, first in file new.3.values.000000.json row 6",
            "values are plain numbers": "value '5,1' is not a plain number (1 row, first in file new.3.values.000000.json row 3",
            "a missing cell is not zero": "国内生产总值, 000000, 2019YY is 0 (file new.3.values.000000.json row 5",
            "the tertiary industry is a part of GDP": "110000, 2021YY: tertiary 200 of 100 (",
        },
        False,
    ),
    (
        "nbs_accounts",
        "cut short",
        ("delete from rows where period < '2020YY'",),
        {
            "no rows are lost": "there are 4 rows, the last vintage had 24 (at least 95 % are expected)",
        },
        True,
    ),
    (
        "eurostat_bop",
        "spoiled cells",
        (
            "update rows set geo = 'XE' where geo = 'EU27_2020' and time_period = '2022' and stk_flow = 'CRE'",
            "update rows set bop_item = 'X' || bop_item where geo = 'EU27_2020' and bop_item <> 'S' and time_period = '2023'",
            "update rows set currency = 'MIO_NAC' where geo = 'EL'",
            "update rows set partner = 'WRL_REST' where geo = 'IE' and bop_item = 'SJ'",
            "update rows set stk_flow = 'BAL' where geo = 'IE' and bop_item = 'SI'",
            "update rows set obs_value = '21,9' where geo = 'DE' and time_period = '2023' and stk_flow = 'CRE'",
            "update rows set obs_value = '100.5' where geo = 'EU27_2020' and bop_item = 'S' and time_period = '2022' and stk_flow = 'DEB'",
            "update rows set time_period = '2019' where geo = 'DE' and time_period = '2022' and stk_flow = 'CRE'",
            "update rows set time_period = '1920' where geo = 'DE' and time_period = '2022' and stk_flow = 'DEB'",
            "update rows set bop_item = null where geo = 'DE' and time_period = '2023' and stk_flow = 'DEB'",
            "update rows set _row = 0 where geo = 'EL' and bop_item = 'SK'",
            "insert into rows select * from rows where geo = 'EL' and bop_item = 'SC'",
        ),
        {
            "reporters are known for most rows": "unknown reporter 'XE' (13 rows",
            "items are known for most rows": "unknown item 'XSA'",
            "units are as expected": "the values are in 'MIO_NAC', frequency 'A' (3 rows",
            "partners are China": "unknown partner 'WRL_REST'",
            "flows are known": "unknown flow 'BAL'",
            "values are plain numbers": "value '21,9' is not a plain number",
            "periods are years": "period '1920' is not a year from 2000",
            "years run without a gap": "no rows between year 2019 and 2022",
            "the Union is present": "EU27_2020, CRE, 2022: no row of all services",
            "services add up": "EU27_2020, DEB, 2022: all services are 100.5",
            "the Union has the right order of magnitude": "EU27_2020, DEB, 2022: 100.5 million euro is not within",
            "key is filled": "no bop_item in file",
            "key is unique": "geo EL, time_period 2023 occurs 2 times",
            "lineage is filled": "row number",
        },
        False,
    ),
    (
        "eurostat_bop",
        "a column more",
        ("alter table rows add column note varchar",),
        {"columns are as expected": "'note'"},
        False,
    ),
    (
        "eurostat_bop",
        "an empty answer",
        ("delete from rows",),
        {"there are rows": "found 0"},
        False,
    ),
    (
        "eurostat_bop",
        "an old one, cut short, in thousands",
        (
            "delete from rows where time_period = '2023'",
            "update rows set obs_value = cast(cast(obs_value as double) * 1000 as varchar)",
        ),
        {
            "the newest period does not go back": "the newest period is 2022, in the last vintage it was 2023",
            "no rows are lost": "there are 28 rows, the last vintage had 60",
            "no values are lost": "there are 28 values, the last vintage had 59",
            "no series jumps in scale": "series CRE: the median of 14 values is 1000.0 times",
            "the Union has the right order of magnitude": "million euro is not within",
        },
        True,
    ),
    (
        "batis_sdmx",
        "spoiled cells",
        (
            "update rows set ref_area = 'XYZ' where ref_area = 'IND'",
            "update rows set counterpart_area = 'XYW' where counterpart_area = 'GBR' and ref_area = 'XYZ'",
            "update rows set service = 'X' || service where service = 'SI'",
            "update rows set unit_measure = 'USD_PPP' where ref_area = 'CHN' and service = 'SE' and time_period = '2023'",
            "update rows set unit_mult = '3' where ref_area = 'CHN' and service = 'SE' and time_period = '2022'",
            "update rows set trade_flow = 'B' where ref_area = 'CHN' and service = 'SE' and time_period = '2021'",
            "update rows set adjustment = 'R' where ref_area = 'CHN' and service = 'SE' and time_period = '2020'",
            "update rows set obs_value = '5,1' where ref_area = 'CHN' and service = 'SE' and time_period = '2019'",
            "update rows set time_period = '1920' where ref_area = 'CHN' and service = 'SE' and time_period = '2018'",
            "update rows set service = null where ref_area = 'CHN' and service = 'SE' and time_period = '2017'",
            "update rows set _row = 0 where ref_area = 'CHN' and service = 'SE' and time_period = '2016'",
            "insert into rows select * from rows where ref_area = 'CHN' and service = 'SE' and time_period = '2015'",
            "insert into rows select * replace (service || '1' as service, '2030' as time_period) from rows where ref_area = 'GBR' and service = 'SE' and time_period = '2024'",
        ),
        {
            "reporters are known for most rows": "unknown reporter 'XYZ' (30 rows",
            "partners are known for most rows": "unknown partner 'XYW' (30 rows",
            "items are known for most rows": "unknown item 'XSI' (40 rows",
            "units are as expected": "the values are in 'USD_EXC' of power '3'",
            "flows are known": "unknown flow 'B'",
            "kinds of value are known": "unknown adjustment 'R'",
            "values are plain numbers": "value '5,1' is not a plain number",
            "periods are years": "period '1920' is not a year from 2000",
            "years run without a gap": "no rows between year 2024 and 2030",
            "China is present": "China as reporter: no balanced value of 2030",
            "key is filled": "no service in file",
            "key is unique": "ref_area CHN, counterpart_area GBR, trade_flow M, service SE, freq A, unit_measure USD_EXC, adjustment B, time_period 2015 occurs 2 times",
            "lineage is filled": "row number",
        },
        False,
    ),
    (
        "batis_sdmx",
        "parts and mirrors that do not agree",
        (
            "insert into rows select rows.* replace (i.item as service, case when i.item = 'S' then '13' else '1' end as obs_value) from rows cross join (values ('S'), ('SA'), ('SB'), ('SC'), ('SD'), ('SF'), ('SG'), ('SH'), ('SJ'), ('SK'), ('SL')) as i (item) where ref_area = 'CHN' and service = 'SE' and time_period = '2024'",
            "insert into rows select * replace ('CHN' as ref_area, 'GBR' as counterpart_area, 'X' as trade_flow, '118.5' as obs_value) from rows where ref_area = 'GBR' and counterpart_area = 'CHN' and service = 'SE' and time_period = '2019'",
        ),
        {
            "services add up": "CHN, GBR, M, 2024: all services are 13.0, their parts add up to ",
            "balanced values equal their mirror": "CHN to GBR, SE, 2019: exports are 118.5, the imports of the partner 118.50812",
        },
        False,
    ),
    (
        "batis_sdmx",
        "a column more",
        ("alter table rows add column note varchar",),
        {"columns are as expected": "'note'"},
        False,
    ),
    (
        "batis_sdmx",
        "an empty answer",
        ("delete from rows",),
        {"there are rows": "found 0"},
        False,
    ),
    (
        "batis_sdmx",
        "an old one, cut short, in dollars",
        (
            "delete from rows where time_period in ('2023', '2024')",
            "update rows set obs_value = cast(cast(obs_value as double) * 1000000 as varchar)",
        ),
        {
            "the newest period does not go back": "the newest period is 2022, in the last vintage it was 2024",
            "no rows are lost": "there are 96 rows, the last vintage had 120",
            "no values are lost": "there are 96 values, the last vintage had 120",
            "no series jumps in scale": "series B M: the median of 96 values is 1000000.0 times",
            "values have the right order of magnitude": "GBR, imports of SJ3 from IND in 2019: 2186610935.0 is not within",
        },
        True,
    ),
    (
        "imf_bop",
        "spoiled cells",
        (
            "update rows set country = 'G998' where time_period = '2022-Q4'",
            "update rows set indicator = 'X' || indicator where indicator in ('SA', 'SB', 'SC', 'SD', 'SE') and time_period > '2022-Q4'",
            "update rows set unit = 'XDC' where country = 'USA' and time_period = '2023-Q2'",
            "update rows set bop_accounting_entry = 'NETCD_T' where country = 'USA' and time_period = '2023-Q1'",
            "update rows set obs_value = '5,1' where country = 'CHN' and indicator = 'SL' and time_period = '2023-Q2' and bop_accounting_entry = 'CD_T'",
            "update rows set time_period = '2020-Q1' where country = 'CHN' and indicator = 'SK' and time_period = '2023-Q2' and bop_accounting_entry = 'CD_T'",
            "update rows set time_period = '1023-Q1' where country = 'CHN' and indicator = 'SJ' and time_period = '2023-Q2' and bop_accounting_entry = 'CD_T'",
            "update rows set indicator = null where country = 'CHN' and indicator = 'SI' and time_period = '2023-Q2' and bop_accounting_entry = 'CD_T'",
            "update rows set _row = 0 where country = 'CHN' and indicator = 'SH' and time_period = '2023-Q2' and bop_accounting_entry = 'CD_T'",
            "insert into rows select * from rows where country = 'CHN' and indicator = 'SG' and time_period = '2023-Q2' and bop_accounting_entry = 'CD_T'",
        ),
        {
            "reporters are known for most rows": "unknown reporter 'G998' (28 rows",
            "items are known for most rows": "unknown item 'XSA'",
            "units are as expected": "the values are in 'XDC', frequency 'Q' (2 rows",
            "flows are known": "unknown flow 'NETCD_T'",
            "values are plain numbers": "value '5,1' is not a plain number",
            "periods are quarters": "period '1023-Q1' is not a quarter from 1940",
            "quarters run without a gap": "no rows between quarter 2020-Q1 and 2022-Q4",
            "key is filled": "no indicator in file",
            "key is unique": "time_period 2023-Q2 occurs 2 times",
            "lineage is filled": "row number",
        },
        False,
    ),
    (
        "imf_bop",
        "other parts, no China",
        (
            "update rows set obs_value = '98765000000' where country = 'CHN' and indicator = 'S' and time_period = '2023-Q2' and bop_accounting_entry = 'CD_T'",
            "update rows set country = 'USA' where country = 'CHN' and bop_accounting_entry = 'DB_T' and indicator = 'S'",
            "delete from rows where country = 'USA' and bop_accounting_entry = 'DB_T' and _row > 80",
        ),
        {
            "services add up": "CHN, CD_T, 2023-Q2: all services are 98765000000",
            "China is present": "CHN, DB_T: no row of all services",
        },
        False,
    ),
    (
        "imf_bop",
        "a column more",
        ("alter table rows add column note varchar",),
        {"columns are as expected": "'note'"},
        False,
    ),
    (
        "imf_bop",
        "an empty answer",
        ("delete from rows",),
        {"there are rows": "found 0"},
        False,
    ),
    (
        "imf_bop",
        "an old one, cut short, in millions",
        (
            "delete from rows where time_period = '2023-Q2'",
            "update rows set obs_value = cast(cast(obs_value as double) / 1000000 as varchar)",
        ),
        {
            "the newest period does not go back": "the newest period is 2023-Q1, in the last vintage it was 2023-Q2",
            "no rows are lost": "there are 56 rows, the last vintage had 84",
            "no values are lost": "there are 56 values, the last vintage had 84",
            "no series jumps in scale": "series CD_T: the median of 28 values is 0.0 times",
            "China has the right order of magnitude": "CHN 2023-Q1, CD_T: 87979.477545",
        },
        True,
    ),
    (
        "imf_exchange_rates",
        "spoiled cells",
        (
            "update rows set country = 'G998' where country = 'G163'",
            "update rows set indicator = 'USD_XDC' where country = 'CHN' and time_period = '2017-Q1'",
            "update rows set obs_value = '0.7,1' where country = 'GBR' and time_period = '2018-M01'",
            "update rows set obs_value = '1.2876' where country = 'GBR' and time_period = '2018-M02'",
            "update rows set obs_value = '0' where country = 'GBR' and time_period = '2018-M03'",
            "update rows set time_period = '2018-Q2' where country = 'GBR' and time_period = '2018-M04'",
            "update rows set time_period = null where country = 'GBR' and time_period = '2018-M05'",
            "update rows set _row = 0 where country = 'GBR' and time_period = '2018-M06'",
            "insert into rows select * from rows where country = 'GBR' and time_period = '2018-M07'",
            "delete from rows where country = 'CHN' and time_period = '2019-M03'",
        ),
        {
            "economies are known for most rows": "unknown economy 'G998' (119 rows",
            "rates are averages for a US dollar": "the values are of 'USD_XDC.PA_RT' (1 row",
            "values are plain numbers": "value '0.7,1' is not a plain number",
            "a dollar is less than a pound": "GBR 2018-M02: 1.2876 pounds for a dollar",
            "rates are positive": "GBR, 2018-M03: the rate is 0",
            "periods are of their frequency": "period '2018-Q2' is not of frequency 'M'",
            "key is filled": "no time_period in file",
            "key is unique": "time_period 2018-M07 occurs 2 times",
            "lineage is filled": "row number",
            "months of China run without a gap": "no rows between month 2019-M02 and 2019-M04",
            "the main currencies are present": "G163: no rate of frequency A",
        },
        False,
    ),
    (
        "imf_exchange_rates",
        "the inverse, and another currency",
        (
            "update rows set obs_value = cast(1 / cast(obs_value as double) as varchar) where country = 'CHN'",
            "update rows set obs_value = '1.7' where country = 'G163' and time_period = '2021'",
            "update rows set country = 'USA' where country = 'NPL'",
        ),
        {
            "rates have the right order of magnitude": "CHN 2021: 0.155",
            "years agree with their months": "G163, 2021: the rate of the year is 1.7, the average of its months 0.8",
            "economies have a currency": "no currency of 'USA' (1 row",
        },
        False,
    ),
    (
        "imf_exchange_rates",
        "a column more",
        ("alter table rows add column note varchar",),
        {"columns are as expected": "'note'"},
        False,
    ),
    (
        "imf_exchange_rates",
        "an empty answer",
        ("delete from rows",),
        {"there are rows": "found 0"},
        False,
    ),
    (
        "imf_exchange_rates",
        "an old one, cut short, of another rate",
        (
            "delete from rows where time_period > '2022'",
            "update rows set obs_value = cast(1.1 * cast(obs_value as double) as varchar) where country = 'CHN'",
        ),
        {
            "the newest month does not go back": "the newest month is 2021-12, in the last vintage it was 2026-08",
            "no rows are lost": "the last vintage had 362",
            "no values are lost": "the last vintage had 362",
            "no series jumps in scale": "series CHN: the median of 86 values is 1.1 times",
        },
        True,
    ),
    (
        "unctad_exchange_rates",
        "spoiled cells",
        (
            "update rows set value = '1,234.5' where economy = '076' and year = '2011' and foreign_economy = '842'",
            "update rows set value = null where economy = '076' and year = '2012' and foreign_economy = '842'",
            "update rows set _file = null where economy = '076' and year = '2013' and foreign_economy = '842'",
            "update rows set foreign_economy = null where economy = '076' and year = '2014' and foreign_economy = '842'",
            "insert into rows select * from rows where economy = '076' and year = '2015' and foreign_economy = '842'",
            "update rows set year = '2205' where economy = '076' and year = '2016' and foreign_economy = '392'",
            "update rows set value = '-3.19' where economy = '076' and year = '2017' and foreign_economy = '842'",
            "update rows set foreign_economy = '840' where economy = '076' and year = '2018' and foreign_economy = '842'",
            "update rows set value = '6.4936' where economy = '156' and year = '2015' and foreign_economy = '842'",
            "update rows set economy = '99' || right(economy, 1) where economy in ('276', '792')",
            "delete from rows where economy = '392' and year > '2020' and foreign_economy = '842'",
        ),
        {
            "values are plain numbers": "value '1,234.5' is not a plain number (1 row, first in file",
            "a cell has a value or a reason": "no value and no reason for it (1 row,",
            "lineage is filled": "a row has no file",
            "key is filled": "no foreign_economy in file",
            "key is unique": "year 2015, economy 076, foreign_economy 842 occurs 2 times",
            "years are plausible": "'2205' is not a year",
            "years run without a gap": "no rows between year 2024 and 2205",
            "rates are not negative": "economy 076, foreign economy 842, 2017: the rate is -3.19",
            "the United States have one code": "foreign economies that are the United States: 840, 842;",
            "rates are averages of the year": "China 2015: 6.4936 is not within 2 % of the average 6.2320",
            "economy codes are known for most rows": "unknown economy code '992' (105 rows",
            "China, Japan and the United Kingdom have rates for a dollar": "economy 392: the newest rate for a dollar is from 2020, the table reaches 2205",
        },
        False,
    ),
    *(
        (
            "unctad_exchange_rates",
            f"inverse rates of {economy}",
            (
                f"update rows set value = cast(1 / cast(value as double) as varchar) where economy = '{economy}' and foreign_economy = '842'",
            ),
            {"rates are units of the currency for a dollar": finding},
            False,
        )
        for economy, finding in (
            (
                "156",
                "economy 156: 0.14771048744460857 yuan for a dollar in 2010, and 1 to 10 are expected (15 rows",
            ),
            (
                "392",
                "economy 392: 0.011389521640091117 yen for a dollar in 2010, and 70 to 400 are expected (15 rows",
            ),
            (
                "826",
                "economy 826: 1.5384615384615383 pounds for a dollar in 2010, and 0.2 to 1 are expected (15 rows",
            ),
        )
    ),
    (
        "unctad_exchange_rates",
        "the economies of each rate exchanged",
        (
            "update rows set economy = foreign_economy, economy_label = foreign_economy_label, foreign_economy = economy, foreign_economy_label = economy_label",
        ),
        {
            "rates are units of the currency for a dollar": "economy 156: 0.147710 yuan for a dollar in 2010, and 1 to 10 are expected (15 rows"
        },
        False,
    ),
    (
        "unctad_exchange_rates",
        "no dollar",
        ("delete from rows where foreign_economy = '842'",),
        {
            "the United States have one code": "foreign economies that are the United States: none;",
            "China, Japan and the United Kingdom have rates for a dollar": "economy 156: the newest rate for a dollar is from no year",
        },
        False,
    ),
    (
        "unctad_exchange_rates",
        "another layout",
        ("alter table rows rename column footnote to remark",),
        {"columns are as expected": "'remark', expected 'footnote'"},
        False,
    ),
    ("unctad_exchange_rates", "an empty answer", ("delete from rows",), {"there are rows": "found 0"}, False),
    (
        "unctad_exchange_rates",
        "an old one, cut short, of other rates",
        (
            "delete from rows where year = '2024'",
            "update rows set value = cast(1.1 * cast(value as double) as varchar)",
            "update rows set value = null, missing_value = 'Not available' where economy = '076'",
        ),
        {
            "the newest year does not go back": "the newest year is 2023, in the last vintage it was 2024",
            "no rows are lost": "there are 686 rows, the last vintage had 735",
            "no values are lost": "there are 588 values, the last vintage had 728",
            "no series jumps in scale": "economy 156: the median of 14 values is 1.1 times",
            "most values are unchanged": "100.0 % of 84 common values",
        },
        True,
    ),
    (
        "bea_services",
        "spoiled cells",
        (
            "update rows set area_or_country = 'Chinaland' where time_period = '2022'",
            "update rows set type_of_service = 'X' || type_of_service where type_of_service in ('Manufacturing', 'Transport', 'Travel', 'Financial', 'IctServ')",
            "update rows set unit_mult = '3' where type_of_service = 'Comp'",
            "update rows set trade_direction = 'Balance' where type_of_service = 'Telecom'",
            "update rows set data_value = '5 .1' where type_of_service = 'Const' and time_period = '2023' and trade_direction = 'Imports'",
            "update rows set data_value = '1,000' where type_of_service = 'AllTypesOfService' and time_period = '2022' and trade_direction = 'Exports'",
            "update rows set time_period = '1923' where type_of_service = 'Insurance' and time_period = '2022' and trade_direction = 'Exports'",
            "update rows set type_of_service = null where type_of_service = 'OtherBusiness' and time_period = '2022' and trade_direction = 'Exports'",
            "update rows set _row = 0 where type_of_service = 'Const' and time_period = '2022' and trade_direction = 'Imports'",
            "insert into rows select * from rows where type_of_service = 'MaintenanceAndRepairNie' and time_period = '2023' and trade_direction = 'Exports'",
        ),
        {
            "countries are known for most rows": "unknown country 'Chinaland'",
            "types of service are known for most rows": "unknown type of service 'XIctServ'",
            "units are as expected": "the values are in 'USD' of power '3'",
            "flows are known": "unknown flow 'Balance'",
            "values are numbers or marks": "value '5 .1' is neither a number nor a mark",
            "periods are years": "period '1923' is not a year from 1980",
            "the total is present": "Exports, 1923: no row of all types of service",
            "the total has the right order of magnitude": "Exports, 2022: 1,000 is not within",
            "key is filled": "no type_of_service in file",
            "key is unique": "time_period 2023 occurs 2 times",
            "lineage is filled": "row number",
        },
        False,
    ),
    (
        "bea_services",
        "another total",
        (
            "update rows set data_value = '46,000' where type_of_service = 'AllTypesOfService' and time_period = '2023' and trade_direction = 'Exports'",
        ),
        {"types add up": "Exports, 2023: all types are 46000"},
        False,
    ),
    (
        "bea_services",
        "a column more",
        ("alter table rows add column note varchar",),
        {"columns are as expected": "'note'"},
        False,
    ),
    (
        "bea_services",
        "an empty answer",
        ("delete from rows",),
        {"there are rows": "found 0"},
        False,
    ),
    (
        "bea_services",
        "an old one, cut short, in thousands",
        (
            "delete from rows where time_period = '2023'",
            "update rows set data_value = replace(data_value, ',', '') || '000' where data_value not like '(%'",
        ),
        {
            "the newest period does not go back": "the newest period is 2022, in the last vintage it was 2023",
            "no rows are lost": "there are 31 rows, the last vintage had 62",
            "no values are lost": "there are 30 values, the last vintage had 61",
            "no series jumps in scale": "series Exports: the median of",
        },
        True,
    ),
    (
        "wto_tismos",
        "spoiled cells",
        (
            "update rows set reporter = 'QQ' where reporter = 'US'",
            "update rows set indicator = 'X' || indicator where reporter = 'CI'",
            "update rows set flow = 'Re-exports' where reporter = 'NA' and indicator = 'SK1' and year = '2016' and flow = 'Exports'",
            "update rows set mode = 'Total' where reporter = 'NA' and indicator = 'SK1' and year = '2017' and mode = 'M4'",
            "update rows set unit = 'Thousand US dollar' where reporter = 'NA' and indicator = 'SI' and year = '2016'",
            "update rows set value = '100000' where reporter = 'CN' and indicator = 'SOXSW' and year = '2016' and mode = 'M1' and flow = 'Imports'",
            "update rows set value = 'n/a' where reporter = 'NA' and indicator = 'SG' and year = '2016' and mode = 'M1' and flow = 'Exports'",
            "update rows set year = '1920' where reporter = 'NA' and indicator = 'SG' and year = '2017'",
            "update rows set mode = null where reporter = 'NA' and indicator = 'SW' and year = '2016' and mode = 'M1' and flow = 'Imports'",
            "insert into rows select * from rows where reporter = 'NA' and indicator = 'SW' and year = '2017' and mode = 'M2' and flow = 'Exports'",
            "update rows set _row = 0 where reporter = 'NA' and indicator = 'SE' and year = '2016'",
        ),
        {
            "economy codes are known for most rows": "unknown economy code 'QQ' (336 rows",
            "sectors are known for most rows": "unknown sector 'XSA'",
            "flows and modes are known": "flow 'Re-exports', mode 'M1'",
            "the unit is millions of US dollars": "unit 'Thousand US dollar' (8 rows",
            "sectors add up to the total": "Imports, CN, 2016, M1: the sectors add up to 29700.0, SOXSW is 100000",
            "values are plain numbers": "value 'n/a' is not a plain number",
            "years are plausible": "year '1920' is not a year",
            "years run without a gap": "no rows between year 1920 and 2016",
            "key is filled": "no mode in file",
            "key is unique": "indicator SW, mode M2, year 2017 occurs 2 times",
            "lineage is filled": "row number",
        },
        False,
    ),
    (
        "wto_tismos",
        "a column more",
        ("alter table rows add column note varchar",),
        {"columns are as expected": "'note'"},
        False,
    ),
    (
        "wto_tismos",
        "an empty answer",
        ("delete from rows",),
        {"there are rows": "found 0"},
        False,
    ),
    (
        "wto_tismos",
        "without China's imports, and mode 4 of all imports",
        (
            "delete from rows where reporter = 'CN' and flow = 'Imports'",
            "delete from rows where mode = 'M4' and flow = 'Imports'",
        ),
        {
            "China is present": "reporter CN, flow imports: the newest value is from no year",
            "each flow has its four modes": "flow Imports has 3 modes (378 rows",
        },
        False,
    ),
    (
        "wto_tismos",
        "an old one, cut short, in thousands",
        (
            "delete from rows where year = '2017'",
            "update rows set value = cast(cast(value as double) * 1000 as varchar)",
        ),
        {
            "the newest year does not go back": "the newest year is 2016, in the last vintage it was 2017",
            "no rows are lost": "there are 672 rows, the last vintage had 1344",
            "no values are lost": "there are 672 values, the last vintage had 1344",
            "no series jumps in scale": "series China, flow Exports, M1: the median of",
            "China has the right order of magnitude": "CN, flow Exports, 2016: 69330000.0 million is not within",
        },
        True,
    ),
    (
        "safe_monthly",
        "spoiled cells",
        (
            "update rows set item_code = '3' || substr(item_code, 2) where sheet = '按人民币计值' and item_code in ('2.3', '2.4', '2.5', '2.6', '2.7', '2.8', '2.9', '2.10')",
            "update rows set unit = '万美元' where sheet = '按美元计值' and period = '2016-03'",
            "update rows set entry = '净额' where item_code = '2.4' and entry = 'balance' and period = '2018-02'",
            "update rows set value = '2,007' where sheet = '按美元计值' and item_code = '0' and period = '2017-01' and entry = 'credit'",
            "update rows set value = '26' where sheet = '按美元计值' and item_code = '2.3' and period = '2025-06' and entry = 'debit'",
            "update rows set value = '9' where sheet = '按美元计值' and item_code = '2.3' and period = '2017-01' and entry = 'debit'",
            "update rows set value = '-2600' where sheet = '按美元计值' and item_code = '1' and period = '2025-08' and entry = 'debit'",
            "update rows set value = '4000' where sheet = '按人民币计值' and item_code = '2' and period = '2025-08' and entry = 'credit'",
            "update rows set period = '2019-13' where sheet = '按美元计值' and period = '2019-07'",
            "update rows set period = null where sheet = '按美元计值' and period = '2020-01' and item_code = '0'",
            "update rows set _row = 0 where sheet = '按美元计值' and period = '2020-02' and item_code = '0'",
            "insert into rows select * from rows where sheet = '按美元计值' and period = '2020-03' and item_code = '2.7'",
        ),
        {
            "item codes are known for most rows": "unknown item code '3.10' (",
            "units are known": "unknown unit '万美元' (45 rows",
            "entries are known": "unknown entry '净额'",
            "every sheet has its unit": "unknown sheet '按美元计值' in unit '万美元' (45 rows",
            "every sheet has all fifteen items, three entries each": "period 2020-03: 48 of 45 cells",
            "values are plain numbers": "value '2,007' is not a plain number (1 row, first in file goods_and_services.xlsx",
            "most credits are not negative, most debits not positive": "sheet '按美元计值': 2 of 43 values of debit",
            "credit and debit add up to the balance": "period 2025-08, item 1: credit and debit add up to 400.0",
            "the twelve services add up to all services": "period 2017-01, debit: the twelve services add up to -353.0",
            "goods and services add up to their total": "period 2025-08, debit: goods and services add up to -3115.0",
            "sheets are converted at one rate": "services 2025-08: 11.204 按人民币计值 to the dollar in the credits, 7.136 in the debits",
            "periods fit their sheet": "has period '2019-13' (45 rows",
            "periods run without a gap": "no rows between 2019-06 and 2019-08",
            "key is filled": "no period in file",
            "key is unique": "period 2020-03, item_code 2.7, entry balance occurs 2 times",
            "lineage is filled": "row number",
        },
        False,
    ),
    (
        "safe_monthly",
        "a column more",
        ("alter table rows add column note varchar",),
        {"columns are as expected": "'note'"},
        False,
    ),
    (
        "safe_monthly",
        "an empty answer",
        ("delete from rows",),
        {"there are rows": "found 0"},
        False,
    ),
    (
        "safe_monthly",
        "a sheet less, an old one, tens of millions for hundreds of millions",
        (
            "delete from rows where sheet = '按人民币计值'",
            "delete from rows where period > '2025-06'",
            "update rows set value = cast(cast(value as double) * 10 as varchar)",
        ),
        {
            "no sheet is lost": "no rows of sheet '按人民币计值', the last vintage had 5760",
            "China has the right order of magnitude": "services 2017-01, credit: 2180.0 is not within a fifth and five times 218",
            "no sheet's newest period goes back": "'按美元计值' ends with 2025-06, in the last vintage it ended with 2025-08",
            "no rows are lost": "the last vintage had 11520",
            "no values are lost": "the last vintage had 258",
            "no series jumps in scale": "sheet 按美元计值, credit: the median of 29 values is 10.0 times",
            "most values are unchanged": "100.0 % of",
        },
        True,
    ),
    (
        "unctad_digital",
        "shares of fractions",
        (
            "update rows set share_of_digital_pct = cast(cast(share_of_digital_pct as double) / 100 as varchar)",
        ),
        {
            "one category is the total": "0 categories state 100 in every row, and one is expected: SF 'Insurance and pension services' 0.22 to 0.22, ",
        },
        False,
    ),
    (
        "unctad_digital",
        "a part that is always the whole",
        (
            "update rows set share_of_digital_pct = '100' where category = 'SJ'",
            "update rows set share_of_digital_pct = '22,2' where economy = '356' and category = 'SF' and year = '2016'",
        ),
        {
            "one category is the total": "2 categories state 100 in every row, and one is expected: ",
            "values are plain numbers": "value '22,2' is not a plain number (2 rows, first in file",
        },
        False,
    ),
    (
        "unctad_digital",
        "parts of another total",
        ("update rows set value = cast(3 * cast(value as double) as varchar) where category = 'SJ'",),
        {
            "parts are within the total": "flow 01, category SJ: the share is 44.4444, and 133.3 % by the values (file "
        },
        False,
    ),
    (
        "unctad_services_by_partner",
        "spoiled cells",
        (
            "update rows set flow = '03', flow_label = 'Re-exports' where partner = '012' and year = '2015'",
            "update rows set flow = '03', flow_label = 'Re-exports' where partner = '050' and year = '2015' and flow = '01'",
            "update rows set value = '1,234.5' where partner = '050' and flow = '02' and year = '2016'",
            "update rows set value = null where partner = '050' and flow = '02' and year = '2017'",
            "update rows set _file = null where partner = '050' and flow = '02' and year = '2018'",
            "update rows set partner = null where partner = '050' and flow = '02' and year = '2019'",
            "insert into rows select * from rows where partner = '064' and flow = '02' and year = '2019'",
            "update rows set year = '2205' where partner = '064' and flow = '01' and year = '2018'",
            "update rows set value = '9' where partner = '0000' and year in ('2016', '2017')",
        ),
        {
            "key is filled": "no partner in file",
            "key is unique": "year 2019, economy 156, partner 064, flow 02, category S occurs 2 times",
            "lineage is filled": "a row has no file",
            "flow codes are known": "unknown flow '03' labelled 'Re-exports' (1 row,",
            "values are plain numbers": "value '1,234.5' is not a plain number (1 row, first in file",
            "a cell has a value or a reason": "no value and no reason for it (1 row,",
            "years are plausible": "'2205' is not a year",
            "years run without a gap": "and 2205",
            "China is present": "flow 02: the newest value with China (156) as economy or partner is from 2020, the table reaches 2205",
            "partners do not exceed the world": "economy 156, year 2016, flow 01: partners add up to",
        },
        False,
    ),
    (
        "unctad_services_by_partner",
        "another layout",
        ("alter table rows rename column footnote to remark",),
        {"columns are as expected": "'remark', expected 'footnote'"},
        False,
    ),
    (
        "unctad_services_by_partner",
        "an empty answer",
        ("delete from rows",),
        {"there are rows": "found 0"},
        False,
    ),
    (
        "unctad_services_by_partner",
        "cut short, in thousands",
        (
            "delete from rows where year = '2020'",
            "update rows set value = cast(cast(value as double) * 1000 as varchar)",
            "update rows set value = null, missing_value = 'Not available' where partner between '300' and '399'",
        ),
        {
            "China has the right order of magnitude": "China with the world 2015, flow 01",
            "the newest year does not go back": "the newest year is 2019, in the last vintage it was 2020",
            "no rows are lost": "rows, the last vintage had",
            "no values are lost": "values, the last vintage had",
            "no series jumps in scale": "series China, flow 01: the median of",
            "most values are unchanged": "100.0 % of",
        },
        True,
    ),
    (
        "unctad_services_by_partner",
        "other classifications",
        (
            "update rows set partner = '999' where partner > '500'",
            "update rows set economy = '998' where year > '2017'",
            "update rows set category = 'SZ' where year < '2018'",
        ),
        {
            "partner codes are known for most rows": "unknown partner code '999' (",
            "economy codes are known for most rows": "unknown economy code '998' (",
            "service categories are known for most rows": "unknown service category 'SZ' (",
        },
        False,
    ),
    (
        "curated",
        "another classification",
        (
            "update rows set area = 'Atlantis' where _row % 2 = 0",
            "update rows set service = 'Diplomacy' where _row % 2 = 1",
        ),
        {
            "areas are known for most rows": "unknown area 'Atlantis, ",
            "services are known for most rows": "unknown service 'Diplomacy'",
        },
        False,
    ),
    (
        "nbs_accounts",
        "another classification",
        (
            "update rows set indicator_name = '鱼' where _row % 2 = 0",
            "update rows set region = '990000' where _row % 2 = 1",
        ),
        {
            "indicators are known for most rows": "unknown indicator 'new.3 鱼'",
            "regions are known for most rows": "unknown region '990000'",
        },
        False,
    ),
)

MARTS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "spoiled rows of partners, regions, structure and claims": (
        (
            "insert into core.fct_bilateral_services_trade select * from core.fct_bilateral_services_trade where partner = 'USA' and period_label = '2015' and source = 'batis'",
            "update core.fct_bilateral_services_trade set _row = null where partner = 'USA' and period_label = '2016' and source = 'batis'",
            "update core.fct_bilateral_services_trade set partner = 'WLD' where partner = 'JPN' and period_label = '2016' and source = 'batis'",
            "insert into core.fct_bilateral_services_trade select * replace ('curated' as source, 100 * value_million as value_million) from core.fct_bilateral_services_trade where partner = 'FRA' and service = 'S' and period_label = '2018' and source = 'batis'",
            "insert into core.fct_regional_services_trade select * from core.fct_regional_services_trade where region = '310000'",
            "update core.fct_regional_services_trade set _file = null where region = '110000'",
            "update core.fct_regional_services_trade set status = 'contradicted' where region = '330000'",
            "update core.fct_regional_services_trade set value_million = -5 where region = '460000' and flow <> 'balance'",
            "update core.fct_regional_services_trade set value_million = 90000000 where region = '310000'",
            "insert into marts.mart_trade_partner select * from marts.mart_trade_partner where partner = 'USA' and period_label = '2015' and source = 'batis'",
            "update marts.mart_trade_partner set value_million = 1000 * value_million where partner = 'JPN' and period_label = '2016' and source = 'batis'",
            "update marts.mart_trade_partner set share_pct = 140 where partner = 'DEU' and period_label = '2016' and source = 'batis' and service = 'S'",
            "update marts.mart_trade_partner set partner_rank = partner_rank + 3 where period_label = '2017' and source = 'batis'",
            "update marts.mart_trade_partner set partner_rank = 1 where source = 'curated' and flow <> 'balance'",
            "update marts.mart_trade_partner set growth_contribution_pp = 40 where partner = 'AUS' and period_label = '2018' and source = 'batis'",
            "update marts.mart_trade_partner set balance_million = -balance_million where partner = 'CAN' and period_label = '2018' and source = 'batis'",
            "insert into marts.mart_trade_partner_group select * from marts.mart_trade_partner_group where group_code = 'BRICS' and period_label = '2015' and source = 'batis'",
            "update marts.mart_trade_partner_group set members_counted = 99 where group_code = 'BRICS' and period_label = '2016' and source = 'batis' and composition = 'as of the period'",
            "update marts.mart_trade_partner_group set share_pct = 5 where group_code = 'ASEAN' and period_label = '2019' and source = 'ons_services' and composition = 'as of the period'",
            "update marts.mart_trade_partner_group set share_pct = 140 where group_code = 'BRICS' and period_label = '2017' and source = 'batis' and service = 'S'",
            "insert into marts.mart_mirror select * from marts.mart_mirror where reporter = 'CHN' and partner = 'GBR' and period_label = '2017'",
            "update marts.mart_mirror set asymmetry_index = null, reason = null where reporter = 'CHN' and partner = 'GBR' and period_label = '2018'",
            "update marts.mart_mirror set reporter_value_million = 1000 * reporter_value_million where reporter = 'CHN' and period_label = '2019'",
            "update marts.mart_mirror set asymmetry_index = 3 where reporter = 'CHN' and partner = 'GBR' and period_label = '2019'",
            "update marts.mart_mirror set difference_million = 1 where reporter_currency <> partner_currency",
            "update marts.mart_mirror set is_same_value_type = true where reporter_source = 'batis' and period_label = '2016'",
            "update marts.mart_mirror set partner_value_usd_million = partner_value_million where partner_currency = 'GBP' and period_label = '2016'",
            "insert into marts.mart_trade_regional select * from marts.mart_trade_regional where region = '310000'",
            "update marts.mart_trade_regional set basis = 'summed' where basis = 'incomplete'",
            "update marts.mart_trade_regional set share_pct = 140 where region = '110000' and flow <> 'balance'",
            "insert into marts.mart_competitiveness select * from marts.mart_competitiveness where reporter = 'CHN' and period_label = '2015'",
            "update marts.mart_competitiveness set tc = 3 where reporter = 'CHN' and period_label = '2016'",
            "update marts.mart_competitiveness set rca = 2 where reporter = 'WLD' and period_label = '2017'",
            "update marts.mart_competitiveness set rca = 2 * rca where source = 'atlas_services' and reporter = 'CHN' and period_label = '2019' and service = 'ATLAS401'",
            "update marts.mart_competitiveness set rca_reason = null where source = 'safe_bop' and period_label = '2019'",
            "update marts.mart_competitiveness set mi = 0.9 where reporter = 'CHN' and period_label = '2018'",
            "insert into marts.mart_trade_ranking select * from marts.mart_trade_ranking where source = 'unctad_services' and reporter = 'BRA' and period_label = '2015' and flow = 'exports'",
            "update marts.mart_trade_ranking set value_million = 2 * value_million where source = 'unctad_services' and reporter = 'BRA' and period_label = '2016' and flow = 'exports'",
            "update marts.mart_trade_ranking set world_million = 2 * world_million where source = 'unctad_services' and period_label = '2017' and flow = 'imports'",
            "delete from marts.mart_trade_ranking where source = 'unctad_services' and period_label = '2018' and flow = 'exports' and reporter < 'U'",
            "update marts.mart_trade_ranking set world_rank = world_rank + 5 where source = 'unctad_services' and period_label = '2019' and flow = 'exports'",
            "update marts.mart_trade_ranking set hhi_economies = 0.9 where source = 'unctad_services' and period_label = '2020' and flow = 'exports'",
            "insert into marts.mart_digital_trade select * from marts.mart_digital_trade where reporter = 'BRA' and period_label = '2015'",
            "update marts.mart_digital_trade set share_of_services_pct = 140 where reporter = 'CHN' and period_label = '2016'",
            "update marts.mart_digital_trade set value_million = 2 * value_million where reporter = 'BRA' and period_label = '2017' and flow = 'total'",
            "update marts.mart_digital_trade set definition_source_url = null where reporter = 'BRA' and period_label = '2018'",
            "update marts.mart_digital_trade set world_share_pct = 140 where reporter = 'BRA' and period_label = '2016'",
            "update marts.mart_digital_trade set value_million = 2 * value_million where source = 'batis' and flow = 'exports' and period_label = '2014'",
            "update marts.mart_digital_trade set value_million = 2 * value_million where source = 'data360_digital' and flow = 'exports' and reporter = 'BRA' and period_label = '2019'",
            "insert into marts.mart_reconciliation select * from marts.mart_reconciliation where reporter = 'CHN' and period_label = '2015'",
            "update marts.mart_reconciliation set source_a = source_b, source_b = source_a where reporter = 'CHN' and period_label = '2016' and source_a = 'safe_bop'",
            "update marts.mart_reconciliation set difference_million = difference_million + 1 where reporter = 'CHN' and period_label = '2017'",
            "update marts.mart_reconciliation set break_year = 2030 where break_year is not null and period_label = '2018'",
            "update marts.mart_reconciliation set is_same_value_type = true where source_a = 'batis' and period_label = '2014'",
            "update marts.mart_reconciliation set value_a_usd_million = value_a_million, usd_reason = null where currency = 'CNY'",
            "update marts.mart_reconciliation set is_same_concept = true where source_a = 'safe_bop' and source_b = 'unctad_goods' and period_label = '2019'",
            "insert into marts.mart_claim select * from marts.mart_claim where claim_id in (select min(claim_id) from marts.mart_claim)",
            "update marts.mart_claim set reason = 'none' where claim_id in (select max(claim_id) from marts.mart_claim)",
            "update marts.mart_claim set verdict = 'untestable' where verdict = 'near'",
            "update marts.mart_claim set difference = difference + 100 where verdict = 'differs'",
            "delete from marts.mart_claim where source = 'data360_digital'",
        ),
        {
            "core.fct_bilateral_services_trade: keys are unique": "occurs 2 times",
            "core.fct_bilateral_services_trade: every row has a figure and its lineage": ": no value_million, file or row",
            "core.fct_bilateral_services_trade: the world is not a partner": "batis, CHN with WLD, 2016",
            "core.fct_bilateral_services_trade: no source differs from its neighbours by a unit": "curated, exports of S in USD, 2018: the median of 1 values is 100.0 times",
            "core.fct_regional_services_trade: key is unique": "occurs 2 times",
            "core.fct_regional_services_trade: every row has a figure and its lineage": "has no value_million, file or row",
            "core.fct_regional_services_trade: contradicted figures are excluded": "has the status contradicted",
            "core.fct_regional_services_trade: only a balance is negative": "is -5.0",
            "core.fct_regional_services_trade: no region differs from its economy by a unit": "curated, 310000, ",
            "marts.mart_claim: keys are unique": "occurs 2 times",
            "marts.mart_claim: each claim has a verdict and a reason": "reason none",
            "marts.mart_claim: untestable claims have no found value": "untestable with found value",
            "marts.mart_claim: verdicts follow their thresholds": "differs, claimed",
            "marts.mart_claim: each verdict has its cells": "data360_digital, digital_export_share_2020, 2026-03-19: cells without a verdict",
            "marts.mart_competitiveness: keys are unique": "occurs 2 times",
            "marts.mart_competitiveness: indices are within their range": "tc is 3.0",
            "marts.mart_competitiveness: the world's RCA is 1": "RCA of the world is 2.0",
            "marts.mart_competitiveness: each row has an RCA or a reason": "safe_bop, CHN, 2019, S: rca -, world -, reason -",
            "marts.mart_competitiveness: RCA in a summed world is of the sum of the economies": "atlas_services, CHN, 2019-01-01, USD: factors from 24.794987 to 49.589974",
            "marts.mart_competitiveness: Michaely's index follows from the shares": ": mi is 0.9, the shares are",
            "marts.mart_digital_trade: keys are unique": "occurs 2 times",
            "marts.mart_digital_trade: every printed group is included": "data360_digital, BRA, 2019, USD, DDS exports: core",
            "marts.mart_digital_trade: a group is summed from all six services": "batis, CHN, 2014, USD, DDS exports: the six services add up to",
            "marts.mart_digital_trade: shares are of the services of the stated source": "batis, CHN, 2014, USD, DDS exports",
            "marts.mart_digital_trade: shares of the world are of the source's own world row": "data360_digital, BRA, 2016, DDS exports: 140",
            "marts.mart_digital_trade: the total is exports plus imports": "data360_digital, BRA, 2017, USD, DDS: exports 17209.0, imports 36688.0",
            "marts.mart_digital_trade: every figure has a definition": "definition from (none)",
            "marts.mart_mirror: keys are unique": "occurs 2 times",
            "marts.mart_mirror: each pair has an index or a reason": "index (none), reason (none)",
            "marts.mart_mirror: the index lies between 0 and 2": ": 3.0",
            "marts.mart_mirror: currencies are never mixed": "USD and GBP",
            "marts.mart_mirror: figures are those of core": "CHN, ",
            "marts.mart_mirror: unlike kinds are marked": "balanced and reported, is_same_value_type true",
            "marts.mart_mirror: values in dollars are converted by the rate of the period": " GBP, in dollars ",
            "marts.mart_mirror: each pair is present from both sides": "more pairs from one side than from the other",
            "marts.mart_reconciliation: keys are unique": "occurs 2 times",
            "marts.mart_reconciliation: source pairs are ordered": "occurs 2 times",
            "marts.mart_reconciliation: differences follow from the values": "batis, safe_bop, CHN, S",
            "marts.mart_reconciliation: a break year begins the last lasting difference": "with break year 2030, by its years 2015",
            "marts.mart_reconciliation: kinds of value are those of core": "2014: balanced and reported, is_same_value_type true",
            "marts.mart_reconciliation: unlike concepts are marked": "safe_bop, unctad_goods, CHN, G exports, 2019: balance of payments and customs, is_same_concept true",
            "marts.mart_reconciliation: values in dollars are converted by the rate of the period": "CNY: 1540680.0 and 1540680.0, in dollars 1540680.0 and -",
            "marts.mart_trade_partner: keys are unique": "occurs 2 times",
            "marts.mart_trade_partner: figures are those of core": "batis, CHN, JPN, 2016, ",
            "marts.mart_trade_partner: shares are of the world figure of the source": "share_pct is 140",
            "marts.mart_trade_partner: ranks have no gap": "the rank is",
            "marts.mart_trade_partner: ranks are among most of the world": "rank 1 of 1 economies with - % of the world",
            "marts.mart_trade_partner: contributions follow from the year before": "batis, CHN, AUS, 2018, S exports: growth_contribution_pp is 40",
            "marts.mart_trade_partner: totals and balances follow from their flows": "batis, CHN, CAN, 2018, USD, S: exports",
            "marts.mart_trade_partner_group: keys are unique": "occurs 2 times",
            "marts.mart_trade_partner_group: no more members are counted than exist": ": 99 of 4",
            "marts.mart_trade_partner_group: a group is the sum of its members": ", the mart has 99 with",
            "marts.mart_trade_partner_group: shares are of the world figure of the source": "batis, CHN, BRICS, 2017, S exports: share_pct is 140",
            "marts.mart_trade_partner_group: part of a group is not shown as the whole": "ons_services, GBR, ASEAN, as of the period, 2019, ",
            "marts.mart_trade_ranking: keys are unique": "unctad_services, BRA, S exports, 2015-01-01, USD, reported occurs 2 times",
            "marts.mart_trade_ranking: figures are those of core": "unctad_services, ABW, 2018, S exports: core 2371.96",
            "marts.mart_trade_ranking: the world is that of the source": "unctad_services, S imports, 2017-01-01, USD: world stated",
            "marts.mart_trade_ranking: economies are ranked where they are most of the world": "unctad_services, S exports, 2015-01-01, USD: 207 economies, 100.664 % of the world",
            "marts.mart_trade_ranking: ranks follow from the figures": "unctad_services, ABW, 2015, S exports: rank 106 of 206",
            "marts.mart_trade_ranking: the concentration follows from the shares": "unctad_services, S exports, 2015-01-01, USD: HHI 0.047185923",
            "marts.mart_trade_regional: keys are unique": "occurs 2 times",
            "marts.mart_trade_regional: a group is summed only if complete": "curated, BTH, 2017 total: summed with 1 of 3",
            "marts.mart_trade_regional: shares are of the economy's own total": "curated, 110000, ",
        },
    ),
    "cut short: partners, regions, structure and claims": (
        (
            "delete from core.fct_bilateral_services_trade where source = 'ons_services' and period_label > '2018'",
            "update core.fct_bilateral_services_trade set value_million = 1000 * value_million where source = 'batis'",
            "delete from core.fct_regional_services_trade where period_label > '2020'",
            "update core.fct_regional_services_trade set value_million = 1000 * value_million",
            "alter table core.fct_regional_services_trade rename column status to state",
            "delete from marts.mart_trade_partner where source = 'ons_services' or period_label > '2017'",
            "delete from marts.mart_trade_partner_group where source = 'ons_services' or period_label > '2017'",
            "delete from marts.mart_mirror where reporter = 'CHN'",
            "delete from marts.mart_trade_regional where flow <> 'exports'",
            "delete from marts.mart_competitiveness where source = 'safe_bop'",
            "delete from marts.mart_digital_trade where source = 'safe_bop' or reporter > 'C'",
            "delete from marts.mart_reconciliation where reporter = 'CHN'",
        ),
        {
            "core.fct_bilateral_services_trade: no source lost rows": "ons_services has ",
            "core.fct_bilateral_services_trade: no source's newest period goes back": "ons_services, A: the newest period ends 2018-12-31, in the current release 2021-12-31",
            "core.fct_bilateral_services_trade: no source shifted as a whole": "batis, A, exports, USD: the median of",
            "core.fct_regional_services_trade: columns are as expected": "column 13 is 'state', expected 'status'",
            "core.fct_regional_services_trade: no source lost rows": "curated has ",
            "core.fct_regional_services_trade: no source's newest period goes back": "curated, A: the newest period ends 2019-12-31, in the current release 2023-12-31",
            "core.fct_regional_services_trade: no source shifted as a whole": "curated, A, total, ",
            "marts.mart_competitiveness: each cell of core has a row": "safe_bop: 3256 cells are only in core",
            "marts.mart_digital_trade: every printed group is included": "mart -",
            "marts.mart_digital_trade: a group is summed from all six services": "batis, CHN, 2005, USD, DDS exports",
            "marts.mart_mirror: each pair is present from both sides": "more pairs from one side than from the other",
            "marts.mart_mirror: each pair of core is compared": "batis to curated: core has",
            "marts.mart_reconciliation: cells with two sources are compared": "batis, safe_bop: core has",
            "marts.mart_trade_partner: figures are those of core": "batis, CHN, ABW, 2005, S exports: core 11287.497",
            "marts.mart_trade_partner_group: a group is the sum of its members": "the mart has 10 with 5787.363002",
            "marts.mart_trade_regional: figures are those of core": "mart -",
        },
    ),
    "empty: partners, regions, structure and claims": (
        (
            "delete from core.fct_bilateral_services_trade",
            "delete from marts.mart_competitiveness",
            "delete from marts.mart_digital_trade",
            "delete from marts.mart_reconciliation",
            "delete from marts.mart_claim",
            "delete from marts.mart_trade_regional",
        ),
        {
            "core.fct_bilateral_services_trade: no source lost rows": "batis has 0 rows, the current release has 101660",
            "marts.mart_claim: there are rows": "found 0",
            "marts.mart_claim: each verdict has its cells": "cells without a verdict",
            "marts.mart_competitiveness: there are rows": "found 0",
            "marts.mart_competitiveness: each cell of core has a row": "atlas_services: 28357 cells are only in core",
            "marts.mart_digital_trade: every printed group is included": "curated, CHN, 2018-01/2018-11, CNY, KIS exports: core 777710",
            "marts.mart_reconciliation: cells with two sources are compared": "batis, safe_bop: core has 30 common cells of all services, this mart 0",
            "marts.mart_trade_regional: figures are those of core": "curated, ",
        },
    ),
    "spoiled statistics and alerts of revisions": (
        (
            "insert into marts.mart_revision_summary select * from marts.mart_revision_summary where indicator = 'NY.GDP.MKTP.CD' and period_label = '2015'",
            "update marts.mart_revision_summary set period_label = '1066' where indicator = 'NY.GDP.MKTP.CD' and period_label = '2014'",
            "update marts.mart_revision_summary set mean_revision = 2 * mean_revision where indicator = 'NY.GDP.MKTP.CD' and period_label = '2013'",
            "update marts.mart_revision_summary set direction = 'both' where indicator = 'NY.GDP.MKTP.CD' and period_label = '2012'",
            "insert into marts.mart_revision_alert select * from marts.mart_revision_alert where indicator = 'NY.GDP.MKTP.CD' and period_label = '1990'",
            "update marts.mart_revision_alert set threshold_pct = 99 where indicator = 'NY.GDP.MKTP.CD' and period_label = '1982'",
            "update marts.mart_revision_alert set value = 1 where indicator = 'NY.GDP.MKTP.CD' and period_label = '1983'",
            "update marts.mart_revision set change_pct = 250 where indicator = 'BX.GSR.NFSV.CD' and kind = 'changed'",
            "insert into marts.mart_vintage select * from marts.mart_vintage where indicator = 'NY.GDP.MKTP.CD' and period_label = '2015' and is_first",
            "update marts.mart_vintage set value = 5 where indicator = 'BG.GSR.NFSV.GD.ZS' and period_label = '2014' and is_first",
            "update marts.mart_vintage set vintage = '2022-11-11' where indicator = 'NY.GDP.MKTP.CD' and period_label = '1999' and is_latest",
            "update marts.mart_vintage set growth_pct = 5 where indicator = 'NY.GDP.MKTP.CD' and period_label = '1998' and is_first",
            "update marts.mart_vintage set is_latest = true where indicator = 'NY.GDP.MKTP.CD' and period_label = '1997'",
            "insert into marts.mart_revision_bias select * from marts.mart_revision_bias where indicator = 'NY.GDP.MKTP.CD' and measure = 'growth' and age_class = '1'",
            "update marts.mart_revision_bias set revised_count = 99 where indicator = 'NY.GDP.MKTP.CD' and measure = 'level' and age_class = '2'",
            "update marts.mart_revision_bias set mean_revision = 9 where indicator = 'NY.GDP.MKTP.CD' and measure = 'level' and age_class = 'over 5'",
            "insert into marts.mart_revision_summary select * replace ('safe_bop' as source) from marts.mart_revision_summary where indicator = 'NY.GDP.MKTP.CD' and period_label = '2013'",
        ),
        {
            "marts.mart_revision_summary: keys are unique": "NY.GDP.MKTP.CD / A, 2015 occurs 2 times",
            "marts.mart_revision_summary: every revised figure is included": "NY.GDP.MKTP.CD / A, 1066: in this table, but not revised in mart_revision",
            "marts.mart_revision_summary: revision counts match mart_revision": "worldbank_wdi: there are 144 revisions in this table and 143 in mart_revision",
            "marts.mart_revision_summary: the mean revision leads from the first value to the latest": "NY.GDP.MKTP.CD / A, 2013: from ",
            "marts.mart_revision_summary: the direction fits the means": "NY.GDP.MKTP.CD / A, 2012: direction both",
            "marts.mart_vintage: keys are unique": "NY.GDP.MKTP.CD / A, 2015, 2022-09-16 occurs 2 times",
            "marts.mart_vintage: each revision ends one row and begins the next": "BG.GSR.NFSV.GD.ZS / A, 2014, 2024-07-12: revised from 6.22",
            "marts.mart_vintage: only revisions begin a row": "NY.GDP.MKTP.CD / A, 1999: begins with vintage 2022-11-11",
            "marts.mart_vintage: growth and share follow from the figures of the row": "NY.GDP.MKTP.CD / A, 1998, 2022-09-16: ",
            "marts.mart_vintage: the first row and the latest row are marked": "NY.GDP.MKTP.CD / A, 1997: 1 first and 2 latest rows",
            "marts.mart_revision_bias: keys are unique": "worldbank_wdi, NY.GDP.MKTP.CD, growth, 1 occurs 2 times",
            "marts.mart_revision_bias: no more figures are revised than exist": "worldbank_wdi, NY.GDP.MKTP.CD, level, 2: 99 of 1 revised",
            "marts.mart_revision_bias: the means fit the counts": "worldbank_wdi, NY.GDP.MKTP.CD, level, over 5: 56 revised, mean revision 9",
            "marts.mart_revision_bias: every revised source is included": "safe_bop: revised in mart_revision_summary, but not in this table",
            "marts.mart_revision_alert: keys are unique": "NY.GDP.MKTP.CD / A, 1990, 2024-07-12 occurs 2 times",
            "marts.mart_revision_alert: all alerts exceed their threshold": "1982: 38.4",
            "marts.mart_revision_alert: each alert is a revision": "1983, 2024-07-12: not the same in mart_revision",
            "marts.mart_revision_alert: no extreme revision is missing": "BX.GSR.NFSV.CD / A, 2021, 2024-07-12: changed by 250",
        },
    ),
    "spoiled profiles": (
        (
            "insert into marts.mart_profile select * from marts.mart_profile where reporter = 'CHN' and period_label = '2015'",
            "update marts.mart_profile set exports_million = 2 * exports_million where reporter = 'CHN' and period_label = '2016'",
            "update marts.mart_profile set top_exports_partner_share_pct = 99 where reporter = 'CHN' and period_label = '2017'",
            "update marts.mart_profile set digital_reason = null where reporter = 'CHN' and period_label = '1990'",
            "update marts.mart_profile set sources_counted = 1 where reporter = 'CHN' and period_label = '2018'",
        ),
        {
            "marts.mart_profile: keys are unique": "CHN, 2015 occurs 2 times",
            "marts.mart_profile: amounts are those of the preferred source": "CHN, 2016: safe_bop states ",
            "marts.mart_profile: borrowed figures are those of the named source": "CHN, 2017, exports to HKG: 99.0 % is not of batis",
            "marts.mart_profile: each missing source has a reason": "CHN, 1990: world no source states a world total, items safe_bop",
            "marts.mart_profile: a gap is between two sources": "CHN, 2018: 1 sources with a gap of ",
        },
    ),
    "spoiled quarters and months": (
        (
            "insert into marts.mart_trade_short_term select * from marts.mart_trade_short_term where currency = 'XDR' and service = 'SL' and period_label = '2016-Q1'",
            "update marts.mart_trade_short_term set value_million = 2 * value_million where source = 'safe_bop' and period_label = '2021-Q3' and currency = 'USD' and service = 'SC'",
            "update marts.mart_trade_short_term set value_million = 423121 where period_label = '2019-06'",
            "update marts.mart_trade_short_term set growth_on_previous_pct = 12 where source = 'safe_bop' and period_label = '2020-Q2' and service = 'S'",
            "update marts.mart_trade_short_term set growth_on_year_pct = 12 where source = 'safe_bop' and period_label = '2020-Q3' and service = 'S'",
            "update marts.mart_trade_short_term set seasonally_adjusted_growth_pct = 12 where source = 'safe_bop' and period_label = '2020-Q4' and service = 'S'",
            "update marts.mart_trade_short_term set rolling_year_million = 12 where source = 'safe_bop' and period_label = '1998-Q3' and service = 'S'",
            "update marts.mart_trade_short_term set year_to_date_million = 12 where period_label = '2021-07' and flow = 'exports'",
            "update marts.mart_trade_short_term set adjustment_reason = null where frequency = 'M' and service = 'SK'",
            "update marts.mart_trade_short_term set is_preferred = true where source = 'safe_bop' and period_label = '2019-Q2'",
        ),
        {
            "marts.mart_trade_short_term: keys are unique": "safe_bop, CHN, Q, 2016-01-01, XDR, reported, SL",
            "marts.mart_trade_short_term: figures are those of core": "safe_bop, CHN, 2021-Q3, USD, SC exports: core ",
            "marts.mart_trade_short_term: a derived month is the difference of two cumulative figures": "curated, CHN, 2019-06, CNY, S total: 423121.0, from 2612460.000000000000000000 less 2189340",
            "marts.mart_trade_short_term: growth is on the period before": "safe_bop, CHN, 2020-Q2, CNY, S balance: growth 12.0 %",
            "marts.mart_trade_short_term: growth is on the year before": "safe_bop, CHN, 2020-Q3, CNY, S balance: growth on the year 12.0 %",
            "marts.mart_trade_short_term: adjusted growth is on the quarter before": "safe_bop, CHN, 2020-Q4, CNY, S balance: adjusted growth 12.0 %",
            "marts.mart_trade_short_term: a rolling year has all its quarters or months": "safe_bop, CHN, 1998-Q3, USD, S balance: rolling year 12.0, 3 of 4 parts",
            "marts.mart_trade_short_term: a published year to date is one of core": "curated, CHN, 2021-07, CNY, S exports: year to date 12.0, core 1337310",
            "marts.mart_trade_short_term: each row has an adjusted amount or a reason": "curated, CHN, 2020-12, CNY, SK exports: adjusted - by -, reason -",
            "marts.mart_trade_short_term: each cell has one preferred series": "CHN, Q, 2019-04-01 has 3 preferred series of 3",
        },
    ),
    "spoiled rows of market shares": (
        (
            "insert into marts.mart_market_share_change select * from marts.mart_market_share_change where source = 'atlas_services' and reporter = 'CHN' and first_year = 2014 and span_years = 1",
            "update marts.mart_market_share_change set last_value_million = 2 * last_value_million, change_million = 2 * last_value_million - first_value_million where reporter = 'AFG' and first_year = 2015 and span_years = 1",
            "update marts.mart_market_share_change set item_effect_million = item_effect_million + 5 where source = 'atlas_services' and reporter = 'ALB' and first_year = 2016 and span_years = 1",
            "update marts.mart_market_share_change set reason = null where source = 'batis' and form = 'items and markets' and first_year = 2010 and span_years = 5",
            "update marts.mart_market_share_change set competitiveness_effect_pct = competitiveness_effect_pct + 1 where reporter = 'AGO' and first_year = 2017 and span_years = 1",
            "update marts.mart_market_share_change set world_effect_pct = 140 where reporter = 'ARM' and first_year = 2018 and span_years = 1",
        ),
        {
            "marts.mart_market_share_change: keys are unique": "atlas_services, CHN, items, 2014 to 2015, USD, estimated occurs 2 times",
            "marts.mart_market_share_change: figures are those of core": "atlas_services, AFG, items, 2016, USD: core ",
            "marts.mart_market_share_change: effects add up to the change": "atlas_services, AFG, items, 2015 to 2016, USD: effects of ",
            "marts.mart_market_share_change: a row has its effects or a reason": "batis, CHN, items and markets, 2010 to 2015, USD: reason (none), world -",
            "marts.mart_market_share_change: percentages are of the first value": "atlas_services, AGO, items, 2017 to 2018, USD: effects of ",
            "marts.mart_market_share_change: the world is one for all economies": "atlas_services, ARM, 2018 to 2019, USD: 140.0 %, of the largest exporter ",
        },
    ),
    "spoiled printed rates": (
        (
            "insert into marts.mart_published_rate select * from marts.mart_published_rate where indicator = 'growth_pct.S.total.CNY' and period_label = '2021'",
            "update marts.mart_published_rate set published_rate_pct = 31.5 where indicator = 'growth_pct.S.exports.CNY' and period_label = '2021'",
            "update marts.mart_published_rate set amount_million = 2754771 where indicator = 'growth_pct.S.imports.CNY' and period_label = '2021'",
            "update marts.mart_published_rate set computed_rate_pct = 13, difference_pp = 0.1 where indicator = 'growth_pct.S.total.CNY' and period_label = '2022'",
            "update marts.mart_published_rate set reason = null where indicator = 'share_pct.S.total' and region = '310000'",
            "update marts.mart_published_rate set is_within_precision = false where indicator = 'share_pct.S.total' and region = '110000' and period_label = '2017'",
        ),
        {
            "marts.mart_published_rate: keys are unique": "curated, CHN, WLD, -, growth_pct.S.total.CNY, 2021 occurs 2 times",
            "marts.mart_published_rate: rates are those of core": "curated, CHN, growth_pct.S.exports.CNY, 2021: core 31.4, mart 31.5",
            "marts.mart_published_rate: printed amounts are those of core": "growth_pct.S.imports.CNY, 2021: 2754771.0 million CNY is not in core",
            "marts.mart_published_rate: computed rates follow from their amounts": "growth_pct.S.total.CNY, 2022: 13.0 % of 5980000.0 and 5298270.0",
            "marts.mart_published_rate: a rate that is not computed has a reason": "share_pct.S.total, 2011-Q1: computed -, reason (none)",
            "marts.mart_published_rate: the difference and its verdict follow from the two rates": "share_pct.S.total, 2017: printed 21.0, computed 21.28",
        },
    ),
}
