"""A release is a function of landing, date, seeds and code, and its figures are the publishers'."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse, environment, release_of, replay

from warehouse import pipeline, publish
from warehouse.config import SAMPLE_DIR
from warehouse.errors import WarehouseError
from warehouse.files import sha256_of


def ask(database: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(database), read_only=True) as db:
        return db.execute(sql).fetchall()


SERVICES = "select value_million from core.fct_services_trade where reporter = 'CHN' and service = 'S' and "


# Digits typed off the publishers' files: SAFE's cells in 100 million dollars, as the shortest form of their
# doubles (credit 3393.9321019559, debit -4406.0486361754), UNCTAD's CSV in millions, the World Bank's JSON in
# dollars (339393210195.59).
@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (
            "source = 'safe_bop' and currency = 'USD' and period_label = '2021' and flow = 'exports'",
            "339393.21019559",
        ),
        (
            "source = 'safe_bop' and currency = 'USD' and period_label = '2021' and flow = 'imports'",
            "440604.86361754",
        ),
        ("source = 'unctad_services' and period_label = '2021' and flow = 'exports'", "394272.573"),
        ("source = 'unctad_services' and period_label = '2021' and flow = 'imports'", "426997.952"),
        ("source = 'worldbank_wdi' and period_label = '2021' and flow = 'exports'", "339393.21019559"),
    ],
)
def test_china_in_the_release_to_the_publishers_digit(built: Path, cell: str, expected: str) -> None:
    found = ask(built, SERVICES + cell)
    assert [value for (value,) in found] == [Decimal(expected)]


def test_both_world_bank_vintages_to_the_last_digit(built: Path) -> None:
    found = ask(
        built,
        "select previous_vintage, vintage, previous_value, value, kind from core.fct_revision "
        "where indicator = 'BX.GSR.NFSV.CD' and reporter = 'CHN' and period_label = '2021'",
    )
    assert found == [
        ("2022-09-16", "2024-07-12", Decimal("338440.77547407"), Decimal("339393.21019559"), "changed")
    ]


def test_withdrawn_figures_are_on_record(built: Path) -> None:
    # The later files give null for 1982 to 1993, twelve years that the earlier ones state: 37 values in the
    # BX.GSR.ROYL.CD of 2022-09-16, and 26 = 37 - 12 + 1 (the year 2022) in that of 2024-07-12.
    found = ask(
        built,
        "select indicator, count(*) from core.fct_revision where kind = 'withdrawn' group by 1 order by 1",
    )
    assert [name for name, _ in found] == ["BM.GSR.ROYL.CD", "BX.GSR.ROYL.CD"]
    assert {count for _, count in found} == {12}


def test_the_same_landing_twice_gives_the_same_tables(warehouse: Warehouse) -> None:
    again = release_of(warehouse.home, force=True)
    one, two = (publish.read_manifest(place)["tables"] for place in (warehouse.release, again))
    assert len(one) >= 12
    assert {name: told["sha256"] for name, told in one.items()} == {
        name: told["sha256"] for name, told in two.items()
    }


def test_as_of_the_day_before_a_vintage_gives_what_was_known_then(warehouse: Warehouse) -> None:
    with environment(WAREHOUSE_HOME=str(warehouse.home)):
        build = pipeline.load("2024-07-11")
        assert build is not None
        past = pipeline.publish(pipeline.validate(pipeline.transform(build)))
    stands = publish.standing(warehouse.home / "published")
    assert stands is not None and stands.name != past, "a release of the past must not become the latest"
    database = warehouse.home / "published" / past / pipeline.DATABASE
    cell = "source = 'worldbank_wdi' and flow = 'exports' and period_label = '2021'"
    assert ask(database, SERVICES + cell) == [(Decimal("338440.77547407"),)]
    assert ask(database, "select count(*) from core.fct_revision") == [(0,)]
    assert ask(database, "select distinct source from core.fct_services_trade order by 1") == [
        ("batis",),
        ("mofcom_totals",),
        ("ons_services",),
        ("safe_bop",),  # of 2024-03-29; the UNCTAD vintages came later
        ("worldbank_wdi",),
    ]


def test_as_of_before_everything_is_an_error(warehouse: Warehouse) -> None:
    with (
        environment(WAREHOUSE_HOME=str(warehouse.home)),
        pytest.raises(WarehouseError, match="no vintage on or before 2000-01-01"),
    ):
        pipeline.load("2000-01-01")


def test_a_night_without_news_builds_nothing(warehouse: Warehouse) -> None:
    latest = publish.standing(warehouse.home / "published")
    again = replay(warehouse.home, SAMPLE_DIR / "night-2")
    older = replay(warehouse.home, SAMPLE_DIR / "night-1")
    assert set(again.values()) == {None} == set(older.values())
    with environment(WAREHOUSE_HOME=str(warehouse.home)):
        assert pipeline.load() is None
    assert publish.standing(warehouse.home / "published") == latest


def test_the_manifest_tells_revision_vintages_digests_counts_and_verdict(warehouse: Warehouse) -> None:
    told = publish.read_manifest(warehouse.release)
    assert told["as_of"] == "2026-03-19"
    assert told["git_revision"]
    assert told["validation"]["success"] is True
    assert [(one["source"], one["vintage"]) for one in told["vintages"]] == [
        ("atlas_services", "2024-09-17"),
        ("batis", "2021-01-01"),
        ("curated", "2026-03-19"),
        ("data360_digital", "2026-03-19"),
        ("mofcom_totals", "2022-05-27"),
        ("nbs_accounts", "2026-03-03"),
        ("ons_services", "2022-04-24"),
        ("safe_bop", "2024-03-29"),
        ("unctad_goods", "2026-03-19"),
        ("unctad_services", "2025-07-23"),
        ("worldbank_wdi", "2022-09-16"),
        ("worldbank_wdi", "2024-07-12"),
        ("wto_merchandise", "2025-05-10"),
    ]
    for vintage in told["vintages"]:
        assert vintage["files"]
        for file in vintage["files"]:
            path = (
                warehouse.home / "landing" / vintage["source"] / vintage["vintage"] / "files" / file["name"]
            )
            assert sha256_of(path) == file["sha256"]
    for table, facts in told["tables"].items():
        assert sha256_of(warehouse.release / "parquet" / f"{table}.parquet") == facts["sha256"]
    for page in ("data_docs/index.html", "dbt_docs/index.html"):
        assert (warehouse.release / page).stat().st_size > 1000


def test_a_build_that_fails_leaves_the_release_and_keeps_its_reason(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    latest = publish.standing(warehouse.home / "published")
    suites = tmp_path / "expectations"
    suites.mkdir()
    for path in pipeline.config.EXPECTATIONS_DIR.glob("*.json"):
        (suites / path.name).write_bytes(path.read_bytes())
    suite = json.loads((suites / "marts.mart_trade_scale.json").read_text())
    entry = {
        "type": "expect_table_row_count_to_be_between",
        "kwargs": {"min_value": 10_000_000},
        "meta": {"name": "impossible", "why": "a release that cannot pass"},
    }
    suite["expectations"].append(entry)
    (suites / "marts.mart_trade_scale.json").write_text(json.dumps(suite))
    monkeypatch.setattr(pipeline.config, "EXPECTATIONS_DIR", suites)
    with environment(WAREHOUSE_HOME=str(warehouse.home)):
        build = pipeline.load("2026-03-19", force=True)
        assert build is not None
        pipeline.transform(build)
        with pytest.raises(WarehouseError, match="did not pass"):
            pipeline.validate(build)
        with pytest.raises(WarehouseError, match="has not passed"):
            pipeline.publish(build)
        assert publish.standing(warehouse.home / "published") == latest
        pipeline.sweep(pipeline.config.from_environment())
    kept = json.loads((Path(build) / pipeline.VERDICT).read_text())
    assert kept["success"] is False
    assert "a release that cannot pass" in json.dumps(kept)


def test_a_second_build_at_once_is_told_to_wait(warehouse: Warehouse) -> None:
    held = """
import time
from warehouse import pipeline, config
with pipeline.building(config.from_environment()):
    print("held", flush=True)
    time.sleep(60)
"""
    with (
        environment(WAREHOUSE_HOME=str(warehouse.home), PYTHONPATH=str(SAMPLE_DIR.parent.parent)),
        subprocess.Popen(
            [sys.executable, "-c", held], stdout=subprocess.PIPE, text=True, env=os.environ
        ) as other,
    ):
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(WarehouseError, match="another build is at work"):
            pipeline.load()
        other.kill()
        other.wait()
