"""Every mart that holds figures leads from each of them back to rows of files as they were sent."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from conftest import Warehouse, environment

from warehouse import pipeline, trace
from warehouse.errors import WarehouseError

# One is of loads; the figures of the other are computed from many cells, which its column `reason` names.
NOT_OF_SINGLE_FIGURES = {"mart_freshness", "mart_claim"}
ROWS_TO_TRY = 4


def rules(warehouse: Warehouse) -> dict[str, Any]:
    manifest = json.loads((warehouse.release / "dbt_docs" / "manifest.json").read_text(encoding="utf-8"))
    return {
        node["name"]: node["config"]["meta"]["trace"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }


def follow(warehouse: Warehouse, mart: str, **wanted: str) -> tuple[trace.Trail, ...]:
    with environment(WAREHOUSE_HOME=str(warehouse.home)):
        return trace.trace(warehouse.release, warehouse.home / "landing", pipeline.rows_of, mart, wanted)


def of_figure(warehouse: Warehouse, mart: str, trails: tuple[trace.Trail, ...]) -> tuple[trace.Trail, ...]:
    """Return the trails of the mart's first rule, that of the figure itself."""
    role = rules(warehouse)[mart.removeprefix("marts.")][0]["role"]
    return tuple(trail for trail in trails if trail.role == role)


def test_every_mart_says_how_it_is_traced(warehouse: Warehouse) -> None:
    told = rules(warehouse)
    assert len(told) >= 12
    assert {mart for mart, rule in told.items() if rule is None} == NOT_OF_SINGLE_FIGURES


def test_rows_of_every_mart_lead_to_raw_rows(warehouse: Warehouse) -> None:
    tried = 0
    for mart, rule in rules(warehouse).items():
        if rule is None:
            continue
        with duckdb.connect(str(warehouse.database), read_only=True) as db:
            found = db.execute(
                f"select cast(columns(*) as varchar) from marts.{mart} "
                f"using sample reservoir({ROWS_TO_TRY} rows) repeatable (7)"
            )
            names = [name for name, *_ in found.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        assert rows, f"marts.{mart} is empty"
        for row in rows:
            trails = follow(warehouse, mart, **{name: text for name, text in row.items() if text is not None})
            tried += 1
            assert trails
            for trail in trails:
                assert trail.models[0] == f"marts.{mart}"
                assert trail.models[-1].startswith("raw.")
                assert trail.origins
                assert all(origin.is_checksum_right and origin.raw_row for origin in trail.origins)
    assert tried >= 40


def test_a_reconciliation_leads_to_the_figures_of_both_sources(warehouse: Warehouse) -> None:
    trails = follow(
        warehouse,
        "marts.mart_reconciliation",
        source_a="unctad_services",
        source_b="worldbank_wdi",
        reporter="CHN",
        service="S",
        flow="exports",
        period_label="2021",
    )
    unctad, bank = (trail for trail in trails if trail.role in ("source_a's figure", "source_b's figure"))
    assert [one.raw_row["value"] for one in unctad.origins] == ["394272.573"]
    assert [one.raw_row["value"] for one in bank.origins] == ["339393210195.59"]
    assert (unctad.models[-1], bank.models[-1]) == ("raw.unctad_services", "raw.worldbank_wdi")


def test_a_mirror_leads_to_the_cells_of_both_sides(warehouse: Warehouse) -> None:
    trails = follow(
        warehouse,
        "marts.mart_mirror",
        reporter="GBR",
        partner="CHN",
        service="S",
        flow="imports",
        period_label="2016",
        reporter_source="ons_services",
        partner_source="batis",
    )
    assert [trail.role for trail in trails] == ["the reporter's figure", "the partner's figure"]
    assert [trail.models[-1] for trail in trails] == ["raw.ons_services", "raw.batis"]
    assert all(len(trail.origins) == 1 for trail in trails)


def test_a_group_leads_to_its_members_of_that_year_alone(warehouse: Warehouse) -> None:
    trails = follow(
        warehouse,
        "marts.mart_trade_partner_group",
        source="batis",
        reporter="CHN",
        group_code="BRICS",
        service="S",
        flow="exports",
        period_label="2019",
    )
    (trail,) = of_figure(warehouse, "mart_trade_partner_group", trails)
    # Of the five of those days China is the reporter: four partners are left.
    assert len(trail.origins) == int(trail.published["members_counted"]) == 4


def test_a_figure_behind_which_nothing_stands_is_said_so(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError, match=r"no row of marts\.mart_mirror has"):
        follow(warehouse, "marts.mart_mirror", reporter="XXX")


# --- every figure of a row follows from the rows that its rules lead to ------------------------------

ROWS_FOR_EACH_COLUMN = 5
Behind = dict[str, list[dict[str, Any]]]


def amount(rows: list[dict[str, Any]], **wanted: str) -> Decimal | None:
    """Add up the amounts of core rows that have some values; None of no rows."""
    values = [one["value_million"] for one in rows if all(one[key] == value for key, value in wanted.items())]
    return sum(values, Decimal()) if values else None


def added(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other


def both(rows: list[dict[str, Any]], **wanted: str) -> Decimal | None:
    return added(*(amount(rows, flow=flow, **wanted) for flow in ("exports", "imports")))


def ratio(part: Decimal | None, whole: Decimal | None, times: int = 100) -> float | None:
    return None if part is None or not whole else float(part / whole * times)


def growth(now: Decimal | None, before: Decimal | None) -> float | None:
    return None if now is None or before is None or before <= 0 else float((now - before) / before * 100)


def share(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    return None if part is None or part < 0 or whole is None or whole <= 0 else part / whole


def scale(row: dict[str, Any], behind: Behind) -> dict[str, float | None]:
    own, before = behind["exports and imports"], behind["same period of the previous year"]
    world, goods = behind["world total"], behind["goods total"]
    ranked: dict[str, list[dict[str, Any]]] = {}
    for one in behind["economies compared in the rank"]:
        ranked.setdefault(one["reporter"], []).append(one)
    larger = [both(rows) for rows in ranked.values()]
    total, all_goods = both(own), both(goods)
    return {
        "exports_million": ratio(amount(own, flow="exports"), Decimal(1), 1),
        "total_million": ratio(total, Decimal(1), 1),
        "exports_growth_pct": growth(amount(own, flow="exports"), amount(before, flow="exports")),
        "total_growth_pct": growth(total, both(before)),
        "world_export_share_pct": ratio(amount(own, flow="exports"), amount(world, flow="exports")),
        "world_total_share_pct": ratio(total, both(world)),
        "world_rank": 1 + sum(one is not None and one > (total or 0) for one in larger) if ranked else None,
        "services_share_of_trade_pct": ratio(
            total, None if None in (total, all_goods) else total + all_goods
        ),
        "openness_pct": ratio(total, next((one["value"] for one in behind["GDP"]), None)),
    }


def structure(row: dict[str, Any], behind: Behind) -> dict[str, float | None]:
    own = amount(behind["value"])
    return {
        "value_million": ratio(own, Decimal(1), 1),
        "share_pct": ratio(own, amount(behind["total services"])),
        "growth_pct": growth(own, amount(behind["same period of the previous year"])),
    }


def partner(row: dict[str, Any], behind: Behind) -> dict[str, float | None]:
    own = amount(behind["value"])
    rivals = behind["partners compared in the rank"]
    return {
        "value_million": ratio(own, Decimal(1), 1),
        "share_pct": ratio(own, amount(behind["trade with the world"])),
        "growth_pct": growth(own, amount(behind["same period of the previous year"])),
        "partner_rank": 1 + sum(one["value_million"] > own for one in rivals) if rivals else None,
    }


def partner_group(row: dict[str, Any], behind: Behind) -> dict[str, float | None]:
    own = amount(behind["members of the group"])
    return {
        "value_million": ratio(own, Decimal(1), 1),
        "members_counted": len(behind["members of the group"]),
        "share_pct": ratio(own, amount(behind["trade with the world"])),
        "growth_pct": growth(own, amount(behind["same period of the previous year"])),
    }


def regional(row: dict[str, Any], behind: Behind) -> dict[str, float | None]:
    rows = behind["value, or provinces of the group"]
    own = None if row["basis"] == "incomplete" else amount(rows)
    return {
        "value_million": ratio(own, Decimal(1), 1),
        **({} if row["basis"] == "published" else {"members_counted": len(rows)}),
        "share_pct": ratio(own, amount(behind["trade of the country"])),
        "growth_pct": growth(own, amount(behind["same period of the previous year"])),
    }


def digital(row: dict[str, Any], behind: Behind) -> dict[str, float | None]:
    own = amount(behind["the group, or its members"])
    return {
        "value_million": ratio(own, Decimal(1), 1),
        "share_of_services_pct": ratio(own, amount(behind["total services"])),
        "growth_pct": growth(own, amount(behind["same period of the previous year"])),
    }


def competitiveness(row: dict[str, Any], behind: Behind) -> dict[str, float | None]:
    own, services, world = behind["exports and imports"], behind["total services"], behind["world total"]
    goods = behind["goods exports of the reporter and of the world"]
    out, back = amount(own, flow="exports"), amount(own, flow="imports")
    whole, world_whole = amount(services, flow="exports"), amount(world, service="S")
    if row["service"] == "S":
        own_goods, world_goods = (amount(goods, reporter=one) for one in (row["reporter"], "WLD"))
        whole = added(whole, own_goods)
        world_whole = added(world_whole, world_goods)
    part, of_world = share(out, whole), share(amount(world, service=row["service"]), world_whole)
    twelve = behind["the twelve services"]
    shares = [share(one["value_million"], amount(twelve)) for one in twelve]
    of_partners = [share(one["value_million"], out) for one in behind["partners"]]
    mi = [share(out, amount(services, flow="exports")), share(back, amount(services, flow="imports"))]
    return {
        "rca": None if None in (part, of_world) or not of_world else float(part / of_world),
        "tc": float((out - back) / (out + back))
        if None not in (out, back) and min(out, back) >= 0 and out + back > 0
        else None,
        "mi": None if None in mi else float(mi[0] - mi[1]),
        "hhi_services": float(sum(one * one for one in shares)) if shares else None,
        "hhi_partners": float(sum(one * one for one in of_partners)) if of_partners else None,
    }


def mirror(row: dict[str, Any], behind: Behind) -> dict[str, float | None]:
    return {
        f"{side}_value_million": ratio(amount(behind[f"the {side}'s figure"]), Decimal(1), 1)
        for side in ("reporter", "partner")
    }


def reconciliation(row: dict[str, Any], behind: Behind) -> dict[str, float | None]:
    assert len(behind["source_a's figure"]) == len(behind["source_b's figure"]) == 1
    a, b = (amount(behind[f"source_{side}'s figure"]) for side in "ab")
    series: dict[Any, dict[str, Decimal]] = {}
    for one in behind["other periods, for the break"]:
        series.setdefault(one["period_start"], {})[one["source"]] = one["value_million"]
    pairs = {start: list(two.values()) for start, two in series.items() if len(two) == 2}
    apart = sorted(start for start, (x, y) in pairs.items() if abs(x - y) > Decimal("0.1"))
    return {
        "value_a_million": ratio(a, Decimal(1), 1),
        "value_b_million": ratio(b, Decimal(1), 1),
        "difference_million": ratio(a - b, Decimal(1), 1),
        "break_year": apart[0].year if apart else None,
    }


# The sample has no figure of a province's share or growth.
NOT_IN_SAMPLE = {
    "mart_trade_regional": {"trade of the country", "same period of the previous year"},
}
RECOMPUTED = {
    "mart_trade_scale": scale,
    "mart_trade_structure": structure,
    "mart_trade_partner": partner,
    "mart_trade_partner_group": partner_group,
    "mart_trade_regional": regional,
    "mart_digital_trade": digital,
    "mart_competitiveness": competitiveness,
    "mart_mirror": mirror,
    "mart_reconciliation": reconciliation,
}


def sample_of(db: duckdb.DuckDBPyConnection, mart: str, columns: list[str]) -> list[dict[str, Any]]:
    """Return some rows of a mart; for each column that may be null, some where it is not."""
    rows: list[dict[str, Any]] = []
    for column in columns:
        found = db.execute(
            f"select * from (select * from marts.{mart} where {column} is not null) "
            f"using sample reservoir({ROWS_FOR_EACH_COLUMN} rows) repeatable (11)"
        )
        rows += [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
    return rows


@pytest.mark.parametrize("mart", RECOMPUTED)
def test_the_figures_of_a_row_follow_from_the_rows_that_its_rules_lead_to(
    warehouse: Warehouse, mart: str
) -> None:
    seen: Counter[str] = Counter()
    found = rules(warehouse)[mart]
    with duckdb.connect(str(warehouse.database), read_only=True) as db:
        columns = [name for name, *_ in db.execute(f"select * from marts.{mart} limit 0").description or ()]
        rows = sample_of(db, mart, columns)
        for row in rows:
            behind = {
                rule["role"]: trace.select(
                    db,
                    f"core.{rule['model']}",
                    {key: row[key] for key in rule["keys"]},
                    rule.get("where"),
                    row,
                )
                for rule in found
            }
            seen.update(role for role, some in behind.items() if some)
            for column, value in RECOMPUTED[mart](row, behind).items():
                expected = None if value is None else pytest.approx(value, rel=1e-9, abs=1e-9)
                assert row[column] == expected, f"{column} is {row[column]} and not {value} in {row}"
    expected_roles = {rule["role"] for rule in found} - NOT_IN_SAMPLE.get(mart, set())
    assert set(seen) == expected_roles, "a rule that no row of the sample follows"
