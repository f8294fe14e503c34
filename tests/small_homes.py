"""A home with records of each kind, written in a second: vintages, polls, releases, loads, backfills."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from conftest import settings_of
from small_releases import LATER, dbt_manifest, make_release, make_vintage

from warehouse.backfill import records
from warehouse.landing import quarantine, store
from warehouse.model import Check
from warehouse.releases.manifest import entry_of

SOURCE, OTHER = "mofcom_totals", "unctad_goods"
VINTAGE = "2024-05-02"
EARLIER_RELEASE, RELEASE = "20240501T000000000000Z", "20240502T000000000000Z"
LOADS = ("20240503T000000000000-1", "20240504T000000000000-1")
ROWS = [
    {"year": "2021", "flow": "exports", "value": "10.5", "_file": "data.csv", "_row": 2},
    {"year": "2021", "flow": "total", "value": "21", "_file": "data.csv", "_row": 3},
]
FIGURES = f"""
    create table core.fct_services_trade as select * from (values
        ('{SOURCE}', '{VINTAGE}', 'CHN', 'exports', 10.5, 'data.csv', 2),
        ('{SOURCE}', '{VINTAGE}', 'CHN', 'total', 21.0, 'data.csv', 3)
    ) as t (source, vintage, reporter, flow, value, _file, _row);
    create table marts.mart_share as select 'CHN' as reporter, 0.5 as share"""
TRACE = [
    {"role": "numerator", "model": "fct_services_trade", "keys": ["reporter"], "where": "flow = 'exports'"},
    {"role": "denominator", "model": "fct_services_trade", "keys": ["reporter"], "where": "flow = 'total'"},
]


def make_home(home: Path) -> Path:
    """Write the records of a small warehouse."""
    settings = settings_of(home, operator="tests")
    vintages = [make_vintage(settings.landing, name, VINTAGE, ROWS) for name in (SOURCE, OTHER)]
    for name in (SOURCE, OTHER):
        for outcome in ("accepted", "unchanged", "unchanged"):
            at = datetime(2024, 5, 2, tzinfo=UTC)
            check = Check(
                source=name,
                polled_at=at,
                checked_at=at,
                outcome=outcome,
                vintage=VINTAGE,
                detail=f"{outcome}, of {name}",
            )
            store.record_check(settings.landing, check)
    manifest = dbt_manifest(
        home.with_name("manifest.json"),
        {"marts.mart_share": {"trace": TRACE}, "core.fct_services_trade": {}, "marts.mart": {}},
        {"mart_share": ["fct_services_trade"], "fct_services_trade": [SOURCE]},
        [SOURCE],
    )
    docs = {"dbt_docs/manifest.json": manifest}
    make_release(home, EARLIER_RELEASE, docs=docs)
    entries = [entry_of(vintage) for vintage in vintages]
    make_release(home, RELEASE, LATER, vintages=entries, sql=FIGURES, docs=docs)
    for load in LOADS:
        incoming = home / load
        (incoming / "files").mkdir(parents=True)
        report = {"success": False, "findings": []}
        quarantine.add(settings.rejected, SOURCE, incoming, (f"too few rows, in {load}",), report)
    baseline = records.Baseline(vintages={}, release=RELEASE, code="code")
    for number in (1, 2):
        days = (date(2023, number, 1), date(2023, number, 28))
        backfill = records.create(settings, SOURCE, "fetch", days, ("/mirror",), baseline)
        records.write_report(backfill, records.Report(pulls=()))
        records.log_event(settings, backfill.id, "failed", f"the mirror {number} did not answer")
    return home
