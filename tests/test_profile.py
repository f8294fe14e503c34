"""The profile of an economy, against figures computed from the files of each source that it names."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest
from test_marts import SAFE_USD_2021, close, raw_file, record, records, unctad
from test_marts_partner import FLOWS, batis

SERVICES = [service for service in SAFE_USD_2021 if service != "S"]
DIGITAL = ["SF", "SG", "SH", "SI", "SJ", "SK"]


def profile(built: Path, reporter: str, year: str) -> dict[str, Any]:
    return record(
        built, "select * from marts.mart_profile where reporter = ? and period_label = ?", reporter, year
    )


def safe(service: str, side: int) -> Fraction:
    """Return an amount of 2021 in millions of dollars: side 0 is exports, 1 imports, printed as negative."""
    return abs(Fraction(SAFE_USD_2021[service][side])) * 100


def test_profile_of_china_2021(built: Path) -> None:
    row = profile(built, "CHN", "2021")
    exports, imports = (safe("S", side) for side in (0, 1))
    assert (row["source"], row["currency"]) == ("safe_bop", "USD")
    assert close(row["exports_million"], exports) and close(row["imports_million"], imports)
    assert close(row["total_million"], exports + imports)
    assert close(row["balance_million"], exports - imports)
    assert close(row["tc"], (exports - imports) / (exports + imports))
    # 3393.9321019559 / 2288.8336467679
    assert row["exports_growth_pct"] == pytest.approx(48.282166, abs=1e-6)
    # only UNCTAD has a world, and the share is that of its own figure of China
    own, world = unctad("US_TradeServCatTotal")["156", "2021"], unctad("US_TradeServCatTotal")["0000", "2021"]
    assert row["world_source"] == "unctad_services"
    assert own.total is not None and world.total is not None and own.exports is not None
    assert close(row["world_total_share_pct"], own.total / world.total * 100)
    assert row["world_rank"] == 2
    economies = [
        cell.total
        for (economy, year), cell in unctad("US_TradeServCatTotal").items()
        if year == "2021" and economy != "0000" and cell.total is not None
    ]
    assert row["economies_ranked"] == len(economies) == 204
    assert close(row["world_coverage_pct"], sum(economies) / world.total * 100)
    (of_bi,) = records(
        built,
        "select economies_ranked, world_coverage_pct from bi.profile"
        " where reporter = 'CHN' and period_label = '2021'",
    )
    assert of_bi == {name: row[name] for name in of_bi}


@pytest.mark.parametrize(("flow", "side"), [("exports", 0), ("imports", 1)])
def test_top_service_and_digital_share_of_china_2021(flow: str, side: int, built: Path) -> None:
    row = profile(built, "CHN", "2021")
    top = max(SERVICES, key=lambda service: safe(service, side))
    assert top == "SC", "transport: 1286.07 of 3393.93 and 1466.52 of 4406.05 hundred million"
    assert (row["items_source"], row[f"top_{flow}_service"]) == ("safe_bop", top)
    assert close(row[f"top_{flow}_service_share_pct"], safe(top, side) / safe("S", side) * 100)
    assert row[f"top_{flow}_service_name_zh"] == "运输"
    digital = sum(safe(service, side) for service in DIGITAL)
    assert row["digital_source"] == "safe_bop"
    assert close(row[f"digital_{flow}_share_pct"], digital / safe("S", side) * 100)


def test_concentration_is_of_the_named_source(built: Path) -> None:
    row = profile(built, "CHN", "2021")
    shares = [safe(service, 0) / safe("S", 0) for service in SERVICES]
    assert close(row["hhi_services"], Fraction(sum(share**2 for share in shares)))
    assert (row["partner_source"], row["hhi_partners"]) == (None, None)
    assert row["partner_reason"] == "no source names most partners"


@pytest.mark.parametrize(("flow", "partner"), [("exports", "HKG"), ("imports", "USA")])
def test_top_partner_of_china_2019(flow: str, partner: str, built: Path) -> None:
    row = profile(built, "CHN", "2019")
    with duckdb.connect(str(built), read_only=True) as db:
        economies = {
            code
            for (code,) in db.execute(
                "select economy from core.dim_economy where economy_type = 'economy'"
            ).fetchall()
        }
    amounts = {
        code: value
        for (code, side, year), value in batis().items()
        if (side, year) == (FLOWS[flow], "2019") and code in economies
    }
    assert max(amounts, key=lambda code: amounts[code]) == partner
    assert (row["partner_source"], row[f"top_{flow}_partner"]) == ("batis", partner)
    expected = amounts[partner] / batis()["W", FLOWS[flow], "2019"] * 100
    assert close(row[f"top_{flow}_partner_share_pct"], expected)
    assert row["source"] == "safe_bop", "the amounts stay those of the preferred source"


def test_sources_differ_by_their_largest_gap(built: Path) -> None:
    # SAFE and the World Bank: 339393.21019559 and 440604.86361754; UNCTAD: 394272.573 and 426997.952
    largest, smallest = Fraction("821270.525"), Fraction("779998.07381313")
    row = profile(built, "CHN", "2021")
    assert row["sources_counted"] == 3
    assert close(row["sources_gap_pct"], (largest - smallest) / (largest + smallest) * 200)
    assert row["is_gap_of_one_value_type"] is True
    assert profile(built, "CHN", "2019")["is_gap_of_one_value_type"] is False, "BaTiS is balanced"
    assert profile(built, "CHN", "2024")["sources_gap_pct"] is None, "UNCTAD alone"


def test_profile_of_the_united_states_2019(built: Path) -> None:
    row = profile(built, "USA", "2019")
    own = unctad("US_TradeServCatTotal")["840", "2019"]
    assert (row["source"], row["world_source"]) == ("unctad_services", "unctad_services")
    assert close(row["exports_million"], own.exports) and close(row["imports_million"], own.imports)
    assert (row["items_source"], row["items_reason"]) == (None, "no source states most items")
    with raw_file("UNCTAD_DE.csv").open(encoding="utf-8-sig", newline="") as opened:
        lines = [
            line
            for line in csv.DictReader(opened)
            if line["REF_AREA"] == "USA" and line["TIME_PERIOD"] == "2019" and line["UNIT_MEASURE"] == "USD"
        ]
    exports = next(line for line in lines if line["INDICATOR"].endswith("SERVTRADE_ANN_EXP"))
    amount = Fraction(exports["OBS_VALUE"]) * 10 ** int(exports["UNIT_MULT"]) / 10**6
    assert row["digital_source"] == "data360_digital"
    assert own.exports is not None
    assert close(row["digital_exports_share_pct"], amount / own.exports * 100)


def test_profiles_are_of_economies_and_their_exports_add_up(built: Path) -> None:
    with duckdb.connect(str(built), read_only=True) as db:
        assert db.execute(
            "select count(*) from marts.mart_profile where reporter in ('WLD', 'EU27') or reporter not in "
            "(select economy from core.dim_economy where economy_type in ('economy', 'dissolved'))"
        ).fetchone() == (0,)
        # SAFE for China, UNCTAD for all others: as the world's row of UNCTAD with China replaced
        [(total,)] = db.execute(
            "select sum(exports_usd_million) from bi.profile where period_label = '2021'"
        ).fetchall()
    world, china = (
        unctad("US_TradeServCatTotal")["0000", "2021"],
        unctad("US_TradeServCatTotal")["156", "2021"],
    )
    assert world.exports is not None and china.exports is not None
    assert total == pytest.approx(float(world.exports - china.exports + safe("S", 0)), rel=0.005)
