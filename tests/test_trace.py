"""Every mart that holds figures leads from each of them back to rows of files as they were sent."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest
from conftest import Warehouse, environment

from warehouse import pipeline, trace
from warehouse.errors import WarehouseError

# Its rows describe loads, not figures.
NOT_OF_FIGURES = {"mart_freshness"}
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


def test_every_mart_says_how_it_is_traced(warehouse: Warehouse) -> None:
    told = rules(warehouse)
    assert len(told) >= 12
    assert {mart for mart, rule in told.items() if rule is None} == NOT_OF_FIGURES


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
            if row.get("verdict") == "untestable":
                continue
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
    unctad, bank = follow(
        warehouse,
        "marts.mart_reconciliation",
        source_a="unctad_services",
        source_b="worldbank_wdi",
        reporter="CHN",
        service="S",
        flow="exports",
        period_label="2021",
    )
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
    assert [trail.models[-1] for trail in trails] == ["raw.batis", "raw.ons_services"]
    assert all(len(trail.origins) == 1 for trail in trails)


def test_a_group_leads_to_its_members_of_that_year_alone(warehouse: Warehouse) -> None:
    (trail,) = follow(
        warehouse,
        "marts.mart_trade_partner_group",
        source="batis",
        reporter="CHN",
        group_code="BRICS",
        service="S",
        flow="exports",
        period_label="2019",
    )
    # Of the five of those days China is the reporter: four partners are left.
    assert len(trail.origins) == int(trail.published["members_counted"]) == 4


def test_a_claim_leads_to_the_cells_of_its_numerator_and_denominator(warehouse: Warehouse) -> None:
    digital, services = follow(
        warehouse, "marts.mart_claim", claim_id="digital_share_2020", source="data360_digital"
    )
    assert digital.models[:2] == ("marts.mart_claim", "core.bridge_claim_cell")
    assert (digital.models[-1], services.models[-1]) == ("raw.data360_digital", "raw.unctad_services")
    # USD million: digitally deliverable exports and imports of China, and all its services
    exports, imports = (float(one.raw_row["obs_value"]) for one in digital.origins)
    totals = [float(one.raw_row["value"]) for one in services.origins]
    assert digital.published["found_value"] == pytest.approx(
        100 * (exports + imports) / sum(totals), rel=1e-9
    )


def test_an_older_vintage_of_a_claim_leads_to_the_row_before_the_revision(warehouse: Warehouse) -> None:
    (older,) = follow(
        warehouse,
        "marts.mart_claim",
        claim_id="services_exports_2021",
        source="worldbank_wdi",
        vintage="2022-09-16",
    )
    assert [one.vintage for one in older.origins] == ["2022-09-16"]
    assert float(older.origins[0].raw_row["value"]) == pytest.approx(older.published["found_value"] * 1e9)


def test_an_untestable_claim_says_that_it_has_no_inputs(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError, match="The claim is untestable"):
        follow(warehouse, "marts.mart_claim", claim_id="bilateral_agreements_2020")


def test_a_figure_behind_which_nothing_stands_is_said_so(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError, match=r"no row of marts\.mart_mirror has"):
        follow(warehouse, "marts.mart_mirror", reporter="XXX")
