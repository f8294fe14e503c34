"""A release is a function of landing, date, seeds and code, and its figures are those of the publishers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from conftest import Warehouse, copy_home, ingest, replay, settings_of
from recordings import recording

from warehouse.build import builds, steps
from warehouse.config import EXPECTATIONS_DIR, PROJECT_ROOT, SAMPLE_DIR
from warehouse.errors import WarehouseError
from warehouse.files import sha256_of
from warehouse.releases.manifest import read_manifest
from warehouse.releases.store import current


def fetch_rows(database: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(database), read_only=True) as db:
        return db.execute(sql).fetchall()


SERVICES = "select value_million from core.fct_services_trade where reporter = 'CHN' and service = 'S' and "


# Digits copied from the publishers' files: SAFE's cells in 100 million dollars (credit 3393.9321019559,
# debit -4406.0486361754), UNCTAD's CSV in millions, the World Bank's JSON in dollars (339393210195.59).
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
def test_figures_of_china_equal_the_publishers(built: Path, cell: str, expected: str) -> None:
    found = fetch_rows(built, SERVICES + cell)
    assert [value for (value,) in found] == [Decimal(expected)]


def test_both_world_bank_vintages_are_unchanged(built: Path) -> None:
    found = fetch_rows(
        built,
        "select previous_vintage, vintage, previous_value, value, kind from core.fct_revision "
        "where indicator = 'BX.GSR.NFSV.CD' and reporter = 'CHN' and period_label = '2021'",
    )
    assert found == [
        ("2022-09-16", "2024-07-12", Decimal("338440.77547407"), Decimal("339393.21019559"), "changed")
    ]


def test_withdrawn_figures_are_recorded(built: Path) -> None:
    # The later files give null for 1982 to 1993, twelve years with values in the earlier files: 37 values in
    # the BX.GSR.ROYL.CD of 2022-09-16, and 26 = 37 - 12 + 1 (the year 2022) in that of 2024-07-12.
    found = fetch_rows(
        built,
        "select indicator, count(*) from core.fct_revision where kind = 'withdrawn' group by 1 order by 1",
    )
    assert [name for name, _ in found] == ["BM.GSR.ROYL.CD", "BX.GSR.ROYL.CD"]
    assert {count for _, count in found} == {12}


def test_dbt_docs_have_every_column_of_the_release(warehouse: Warehouse) -> None:
    page = (warehouse.release / "dbt_docs" / "index.html").read_text(encoding="utf-8")
    schema = page.index("https://schemas.getdbt.com/dbt/catalog")
    catalog, _ = json.JSONDecoder().raw_decode(page, page.rindex('{"metadata"', 0, schema))
    described = {
        (node["metadata"]["schema"], node["metadata"]["name"], column)
        for node in catalog["nodes"].values()
        for column in node["columns"]
    }
    with duckdb.connect(str(warehouse.database), read_only=True) as db:
        columns = db.execute(
            "select schema_name, table_name, column_name from duckdb_columns() where not internal"
        ).fetchall()
    assert len(columns) > 1000
    assert set(columns) <= described


def test_second_build_of_same_landing_has_same_tables(
    bank: Warehouse, bank_rebuilt: tuple[Path, str], tmp_path: Path
) -> None:
    settings = settings_of(copy_home(bank_rebuilt[0], tmp_path / "home"))
    second_release = settings.published / steps.publish(settings, bank_rebuilt[1])
    first, second = (read_manifest(release).tables for release in (bank.release, second_release))
    assert len(first) >= 12
    assert {name: table.sha256 for name, table in first.items()} == {
        name: table.sha256 for name, table in second.items()
    }


@pytest.fixture(scope="module")
def rebuilt(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a copy of the warehouse with a later vintage and a build as of the release's day; the build.

    The build is transformed, and not validated.
    """
    home = copy_home(warehouse.home, tmp_path_factory.mktemp("rebuilt") / "home")
    changed = (b"339393210195.59", b"339400000000.5")
    mirror = recording(
        home.with_name("later"), "2026-06-01T00:00:00Z", *changed, night=SAMPLE_DIR / "night-2"
    )
    assert ingest(settings_of(home, mirror), "worldbank_wdi") == "2026-06-01"
    settings = settings_of(home)
    build = steps.load(settings, read_manifest(warehouse.release).as_of.isoformat(), force=True)
    assert build is not None
    return home, steps.transform(settings, build)


def test_as_of_build_equals_the_release_of_that_day(
    rebuilt: tuple[Path, str], warehouse: Warehouse, tmp_path: Path
) -> None:
    settings = settings_of(copy_home(rebuilt[0], tmp_path / "home"))
    as_of_release = settings.published / steps.publish(settings, steps.validate(settings, rebuilt[1]))
    release_of_the_day = current(settings.published)
    assert release_of_the_day is not None and release_of_the_day.name == warehouse.release.name
    assert as_of_release != release_of_the_day
    first, second = read_manifest(release_of_the_day), read_manifest(as_of_release)
    assert len(first.vintages) > 10 and first.vintages == second.vintages
    assert len(first.tables) >= 12
    assert {name: table.sha256 for name, table in first.tables.items()} == {
        name: table.sha256 for name, table in second.tables.items()
    }


def test_as_of_build_has_only_the_vintages_of_that_day(earlier_warehouse: Warehouse) -> None:
    latest = current(earlier_warehouse.home / "published")
    assert latest is not None and latest.name != earlier_warehouse.release.name, (
        "an as-of release must not become the latest"
    )
    database = earlier_warehouse.database
    cell = "source = 'worldbank_wdi' and flow = 'exports' and period_label = '2021'"
    assert fetch_rows(database, SERVICES + cell) == [(Decimal("338440.77547407"),)]
    assert fetch_rows(database, "select count(*) from core.fct_revision") == [(0,)]
    assert fetch_rows(database, "select distinct source from core.fct_services_trade order by 1") == [
        ("batis",),
        ("mofcom_totals",),
        ("ons_services",),
        ("safe_bop",),  # of 2024-03-29; the UNCTAD vintages came later
        ("worldbank_wdi",),
    ]


def test_as_of_before_the_first_vintage_is_rejected(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError, match="no vintage on or before 2000-01-01"):
        steps.load(settings_of(warehouse.home), "2000-01-01")


def test_no_build_without_new_vintage(own_warehouse: Warehouse) -> None:
    settings = settings_of(own_warehouse.home)
    latest = current(settings.published)
    again = replay(own_warehouse.home, SAMPLE_DIR / "night-2")
    older = replay(own_warehouse.home, SAMPLE_DIR / "night-1")
    assert set(again.values()) == {None} == set(older.values())
    assert steps.load(settings) is None
    assert current(settings.published) == latest


def test_manifest_has_revision_vintages_digests_counts_and_verdict(warehouse: Warehouse) -> None:
    manifest = read_manifest(warehouse.release)
    assert manifest.as_of.isoformat() == "2026-05-31"
    assert manifest.git_revision
    assert manifest.validation["success"] is True
    assert [(entry.source, entry.vintage) for entry in manifest.vintages] == [
        ("atlas_services", "2024-09-17"),
        ("batis", "2021-01-01"),
        ("batis_sdmx", "2025-12-31"),
        ("curated", "2026-03-19"),
        ("data360_digital", "2026-03-19"),
        ("mofcom_totals", "2022-05-27"),
        ("ons_services", "2022-04-24"),
        ("safe_bop", "2024-03-29"),
        ("unctad_goods", "2026-03-19"),
        ("unctad_services", "2025-07-23"),
        ("worldbank_wdi", "2022-09-16"),
        ("worldbank_wdi", "2024-07-12"),
        ("wto_digital", "2026-05-31"),
        ("wto_merchandise", "2025-05-10"),
    ]
    for vintage in manifest.vintages:
        assert vintage.files
        for file in vintage.files:
            directory = warehouse.home / "landing" / vintage.source / vintage.vintage
            assert sha256_of(directory / "files" / file.name) == file.sha256
    for name, table in manifest.tables.items():
        assert sha256_of(warehouse.release / "parquet" / f"{name}.parquet") == table.sha256
    for page in ("data_docs/index.html", "dbt_docs/index.html"):
        assert (warehouse.release / page).stat().st_size > 1000


def test_failed_build_keeps_the_current_release_and_its_report(
    rebuilt: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, build = settings_of(copy_home(rebuilt[0], tmp_path / "home")), rebuilt[1]
    latest = current(settings.published)
    suites = tmp_path / "expectations"
    suites.mkdir()
    for path in EXPECTATIONS_DIR.glob("*.yml"):
        (suites / path.name).write_bytes(path.read_bytes())
    entry = """
  - name: impossible
    why: a release that cannot pass
    type: expect_table_row_count_to_be_between
    kwargs: {min_value: 10000000}
"""
    with (suites / "marts.mart_trade_scale.yml").open("a", encoding="utf-8") as suite:
        suite.write(entry)
    monkeypatch.setattr(steps, "EXPECTATIONS_DIR", suites)
    with pytest.raises(WarehouseError, match="failed validation"):
        steps.validate(settings, build)
    with pytest.raises(WarehouseError, match="has not passed"):
        steps.publish(settings, build)
    assert current(settings.published) == latest
    builds.remove_abandoned_builds(settings)
    verdict = builds.read_verdict(builds.build_dir(settings, build))
    assert verdict is not None and verdict.success is False
    assert "a release that cannot pass" in verdict.model_dump_json()


def test_concurrent_build_is_rejected(own_warehouse: Warehouse) -> None:
    holder = """
import time
from warehouse import config
from warehouse.build import builds, steps
with builds.build_lock(config.load_settings()):
    print("locked", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", holder],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"WAREHOUSE_HOME": str(own_warehouse.home), "PYTHONPATH": str(PROJECT_ROOT)},
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(WarehouseError, match="another build is running"):
            steps.load(settings_of(own_warehouse.home))
        other.kill()
        other.wait()
