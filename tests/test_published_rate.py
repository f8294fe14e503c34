"""Printed shares and growth rates against the publishers' own amounts.

Figures are read from the files by row (the header is row 1) and divided as fractions, or typed from them. No
expected value is taken from the product's output.
"""

from __future__ import annotations

import csv
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_marts import MARTS, close, growth, percent, raw_file, record, records, world_bank

COLUMNS = (
    "source, source_name, vintage, reporter, reporter_name_en, reporter_name_zh, reporter_type, partner, "
    "partner_name_en, partner_name_zh, partner_type, region, region_name_en, region_name_zh, region_type, "
    "indicator, indicator_name_en, indicator_name_zh, measure, service, service_name_en, service_name_zh, "
    "service_level, is_main_item, flow, frequency, period_start, period_end, period_label, currency, "
    "value_type, status, published_rate_pct, computed_rate_pct, difference_pp, rounding_pp, "
    "is_within_precision, reason, amount_million, is_amount_published, amount_status, base_million, "
    "is_base_published, base_status"
)
TOO_ROUND = "the amounts are too round to test the rate"
RATE = (
    "select * from marts.mart_published_rate where source = ? and reporter = ? and partner = ?"
    " and coalesce(region, '-') = ? and indicator = ? and period_label = ?"
)


def curated(file: str, row: int) -> Fraction:
    """Return the value in a row of a curated file."""
    with raw_file(file).open(encoding="utf-8", newline="") as lines:
        return Fraction(list(csv.reader(lines))[row - 1][6])


def rate(built: Path, indicator: str, period: str, region: str = "-") -> dict[str, Any]:
    """Return the row of a printed rate of China."""
    return record(built, RATE, "curated", "CHN", "WLD", region, indicator, period)


def test_mart_has_the_documented_columns_in_order(built: Path) -> None:
    found = records(
        built,
        "select column_name from information_schema.columns"
        " where table_schema = 'marts' and table_name = 'mart_published_rate' order by ordinal_position",
    )
    assert [row["column_name"] for row in found] == COLUMNS.split(", ")
    (model,) = yaml.safe_load((MARTS / "mart_published_rate.yml").read_text("utf-8"))["models"]
    assert re.search(r"One row per [^.]+\.$", model["description"].strip())
    assert [column["name"] for column in model["columns"]] == COLUMNS.split(", ")


def test_every_printed_percentage_is_a_row(built: Path) -> None:
    """The curated files have 109 shares and growth rates of areas and services that the seeds map."""
    found = {
        row["source"]: row["rates"]
        for row in records(
            built, "select source, count(*) as rates from marts.mart_published_rate group by 1"
        )
    }
    printed = {
        row["source"]: row["rates"]
        for row in records(
            built, "select source, count(*) as rates from core.fct_indicator where unit = 'pct' group by 1"
        )
    }
    assert found == printed and found["curated"] == 109


@pytest.mark.parametrize(
    ("indicator", "period", "printed", "now", "before"),
    [
        # exports of 2021: 25 435.0 on 19 356.7 hundred million yuan, printed 31.4
        ("growth_pct.S.exports.CNY", "2021", 5, 4, 86),
        # travel of 2022: 8 560 on 7 897.6, printed 8.4
        ("growth_pct.SD.total.CNY", "2022", 119, 118, 17),
        # all services of 2021: 52 982.7 on 45 642.7, printed 16.1
        ("growth_pct.S.total.CNY", "2021", 3, 2, 84),
    ],
)
def test_growth_follows_from_the_amounts_of_the_releases(
    built: Path, indicator: str, period: str, printed: int, now: int, before: int
) -> None:
    rows = {row: curated("national_releases.csv", row) for row in (printed, now, before)}
    found = rate(built, indicator, period)
    assert (found["published_rate_pct"], found["currency"]) == (float(rows[printed]), "CNY")
    expected = growth(rows[now], rows[before])
    assert expected is not None
    assert close(found["computed_rate_pct"], expected)
    assert found["difference_pp"] == pytest.approx(float(expected - rows[printed]), abs=1e-12)
    assert (found["is_within_precision"], found["reason"], found["status"]) == (True, None, "stated")
    assert found["amount_million"] == 100 * float(rows[now])
    assert found["base_million"] == 100 * float(rows[before])


def test_rounding_is_of_the_rate_and_of_both_amounts(built: Path) -> None:
    """8.4 is printed to 0.1; 8 560 hundred million to 10 (1 000 million), 7 897.6 to 0.1 (10 million)."""
    found = rate(built, "growth_pct.SD.total.CNY", "2022")
    rate_of = Fraction("0.05") + 100 * (500 + Fraction("8560") / Fraction("7897.6") * 5) / 789760
    assert found["rounding_pp"] == pytest.approx(float(rate_of), rel=1e-12)


def test_share_of_beijing_is_of_the_country(built: Path) -> None:
    """ "Nearly 1 trillion" yuan of 46 991.1 hundred million in 2017 is 21.28 percent; printed is 21."""
    beijing, printed = curated("regional_figures.csv", 30), curated("regional_figures.csv", 31)
    country = curated("national_releases.csv", 166)
    found = rate(built, "share_pct.S.total", "2017", "110000")
    expected = percent(beijing * 10_000, country)
    assert close(found["computed_rate_pct"], expected) and round(found["computed_rate_pct"], 2) == 21.28
    assert (found["published_rate_pct"], printed) == (21, 21)
    assert (found["region_name_en"], found["region_name_zh"]) == ("Beijing", "北京市")
    assert (found["amount_status"], found["status"]) == ("unverified, less than", "unverified")
    # one trillion may be half a trillion off, which is 10.6 points of the share
    assert found["rounding_pp"] > 10.6
    assert (found["is_within_precision"], found["reason"]) == (None, TOO_ROUND)


def test_rate_of_an_amount_that_is_too_round_is_not_tested(built: Path) -> None:
    """Travel of 2020 is "about 1 trillion" yuan, and may be 0.5 or 1.5: no growth could contradict it."""
    found = rate(built, "growth_pct.SD.total.CNY", "2021")
    assert (found["published_rate_pct"], found["base_million"]) == (-22.5, 1_000_000)
    assert round(found["computed_rate_pct"], 3) == -21.024 and round(found["difference_pp"], 3) == 1.476
    assert found["rounding_pp"] > 39
    assert (found["is_within_precision"], found["reason"]) == (None, TOO_ROUND)


def test_share_of_gdp_is_that_of_the_world_bank(built: Path) -> None:
    """The World Bank's own total of services over its GDP gives its printed percentage."""
    found = record(built, RATE, "worldbank_wdi", "CHN", "WLD", "-", "BG.GSR.NFSV.GD.ZS", "2019")
    figures = {
        code: world_bank(code, "night-2")["2019"]
        for code in ("BX.GSR.NFSV.CD", "BM.GSR.NFSV.CD", "NY.GDP.MKTP.CD", "BG.GSR.NFSV.GD.ZS")
    }
    exports, imports, gdp, printed = figures.values()
    assert exports and imports and gdp and printed
    assert close(found["published_rate_pct"], printed)
    assert found["computed_rate_pct"] == pytest.approx(float(100 * (exports + imports) / gdp), rel=1e-12)
    assert (found["is_amount_published"], found["is_base_published"]) == (False, True)
    assert (found["measure"], found["currency"], found["is_within_precision"]) == (
        "share of GDP",
        "USD",
        True,
    )


@pytest.mark.parametrize(
    ("key", "printed", "reason"),
    [
        # regional_figures.csv row 4; no total of January to July 2018 is printed
        (
            ("curated", "CHN", "WLD", "NBS_EAST", "share_pct.S.total", "2018-01/2018-07"),
            84.2,
            "the source states no amount of the whole",
        ),
        # national_releases.csv row 98: 2016 to 2020 on 2011 to 2015
        (
            ("curated", "CHN", "WLD", "-", "growth_pct.S.total.USD", "2016-01/2020-12"),
            29.7,
            "growth of a span of years",
        ),
        # partner_figures.csv row 7: the surplus of the United States, of 29.5 billion in 2015
        (
            ("curated", "USA", "CHN", "-", "growth_pct.S.balance.USD", "2015"),
            5,
            "the source states no amount of the previous year",
        ),
        # partner_figures.csv row 42: exports of Hong Kong to China, without an amount
        (
            ("curated", "HKG", "CHN", "-", "share_pct.S.exports", "2016"),
            40.1,
            "the source states no amount",
        ),
    ],
)
def test_rate_without_amounts_has_a_reason(
    built: Path, key: tuple[str, ...], printed: float, reason: str
) -> None:
    found = record(built, RATE, *key)
    assert (found["published_rate_pct"], found["reason"]) == (printed, reason)
    assert found["computed_rate_pct"] is found["difference_pp"] is found["is_within_precision"] is None


def test_share_of_the_world_bank_has_its_name(built: Path) -> None:
    """The World Bank prints shares of transport, and of insurance and finance, and no such amounts."""
    found = {
        code: record(built, RATE, "worldbank_wdi", "CHN", "WLD", "-", code, "2019")
        for code in ("BM.GSR.TRAN.ZS", "BM.GSR.INSF.ZS")
    }
    transport, finance = found.values()
    assert close(transport["published_rate_pct"], world_bank("BM.GSR.TRAN.ZS", "night-2")["2019"])
    assert (transport["service"], transport["flow"], transport["measure"]) == ("SC", "imports", "share")
    assert transport["reason"] == "the source states no amount"
    assert finance["service"] is None and finance["reason"] == "a share of several services together"
    assert finance["indicator_name_en"] == "Insurance and financial services (% of service imports, BoP)"
