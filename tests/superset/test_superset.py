"""Superset on the sample's release: what readers and analysts see, what is refused, and a new release."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from warehouse.config import PROJECT_ROOT
from warehouse.releases.store import DATABASE
from warehouse.site.figures import labels_of

pytestmark = pytest.mark.superset

DECLARED = yaml.safe_load((PROJECT_ROOT / "superset" / "dashboards.yml").read_text(encoding="utf-8"))
DASHBOARDS = {one["page"]: one["charts"] for one in DECLARED["dashboards"]}
LOADED = """count => {
    const charts = [...document.querySelectorAll('[data-test=slice-container]')]
    return charts.length === count && !document.querySelector('[data-test=loading-indicator]')
        && charts.every(one => one.querySelector('canvas, table tbody tr'))
}"""


@pytest.mark.parametrize("page", DASHBOARDS)
def test_every_chart_of_a_dashboard_is_drawn_without_a_toast(reader: Any, page: str) -> None:
    reader.outside.clear()
    reader.failed.clear()
    reader.page.goto(f"{reader.superset.address}/superset/dashboard/{page}/")
    deadline = time.monotonic() + 60
    # Superset's policy forbids the evaluation of text, by which `wait_for_function` looks.
    while not reader.page.evaluate(LOADED, len(DASHBOARDS[page])):
        assert time.monotonic() < deadline, reader.page.inner_text("body")
        time.sleep(0.2)
    alerts = reader.page.locator("[role=alert], [data-test=toast-container] *, .toast").all_inner_texts()
    assert [text for text in alerts if text.strip()] == []
    assert reader.failed == []
    assert reader.outside == []


def chart_rows(tab: Any, page: str, chart: str) -> list[dict[str, Any]]:
    """Return the rows that a chart shows, from the query that the browser sends for it."""
    answers: list[Any] = []

    def keep(answer: Any) -> None:
        answers.append(answer)

    tab.page.goto("about:blank")  # ends the answers that an earlier page still waits for
    tab.page.on("response", keep)
    tab.page.goto(f"{tab.superset.address}/superset/dashboard/{page}/?force=true")
    wanted = next(one for one in DASHBOARDS[page] if one["id"] == chart)
    title = f"{wanted['title']['en']} · {wanted['title']['zh']}"
    charts = {
        one["slice_name"]: one["id"] for one in tab.get(f"/api/v1/dashboard/{page}/charts").json()["result"]
    }
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        tab.page.wait_for_timeout(200)
        for answer in list(answers):
            if "/api/v1/chart/data" in answer.url and f"{charts[title]}" in answer.request.post_data:
                form = json.loads(answer.request.post_data)["form_data"]
                if form["slice_id"] == charts[title]:
                    tab.page.remove_listener("response", keep)
                    return list(answer.json()["result"][0]["data"])
    raise AssertionError(f"{title}: no data in 60 seconds")


@pytest.mark.parametrize(
    ("page", "chart", "columns", "query"),
    [
        (
            "scale",
            "largest_exporters",
            ("reporter_name_en", "Exports, US$ million"),
            "select reporter_name_en, exports_usd_million from bi.annual where period_label = '2024' "
            "and exports_usd_million is not null order by 2 desc limit 20",
        ),
        (
            "partners",
            "markets",
            ("partner_name_en", "US$ million"),
            "select partner_name_en, value_usd_million from bi.partner where reporter = 'CHN' "
            "and flow = 'exports' and period_label = '2019' order by 2 desc limit 20",
        ),
        (
            "structure",
            "item_balance",
            ("service_name_en", "Balance, US$ million"),
            "select service_name_en, sum(case flow when 'exports' then value_usd_million "
            "else -value_usd_million end) from bi.mix "
            "where reporter = 'CHN' and period_label = '2023' group by 1",
        ),
        (
            "trust",
            "verdicts",
            ("best_verdict", "Claims"),
            "select best_verdict, count(distinct claim_id) from marts.mart_claim group by 1",
        ),
        (
            "trust",
            "statuses",
            ("status", "Sources"),
            "select status, count(distinct source) from marts.mart_freshness group by 1",
        ),
    ],
)
def test_chart_shows_the_numbers_of_sql(
    reader: Any, page: str, chart: str, columns: tuple[str, str], query: str
) -> None:
    with duckdb.connect(str(reader.superset.database), read_only=True) as db:
        expected = dict(db.execute(query).fetchall())
    rows = chart_rows(reader, page, chart)
    name, metric = columns[0], next(key for key in rows[0] if key != columns[0])
    assert len(expected) >= (3 if page == "trust" else 12)
    assert {row[name]: row[metric] for row in rows} == pytest.approx(expected, rel=1e-9)


def test_table_of_revisions_has_the_alerts(reader: Any) -> None:
    with duckdb.connect(str(reader.superset.database), read_only=True) as db:
        expected = db.execute(
            "select reporter_name_en, period_label, previous_value, value, change_pct, vintage "
            "from marts.mart_revision_alert where reporter = 'CHN' order by all"
        ).fetchall()
    names = ("reporter_name_en", "period_label", "previous_value", "value", "change_pct", "vintage")
    rows = sorted(tuple(row[name] for name in names) for row in chart_rows(reader, "trust", "revisions"))
    assert len(expected) >= 10
    assert rows == expected


def test_publishers_have_the_names_of_the_site(reader: Any) -> None:
    with duckdb.connect(str(reader.superset.database), read_only=True) as db:
        labels = {source: origin.label for source, origin in labels_of(db).items()}
        sources = db.execute(
            "select distinct source from bi.compare_sources where reporter = 'CHN' and currency = 'USD'"
            " and period_label >= '2000'"
        ).fetchall()
    (first, *_) = rows = chart_rows(reader, "scale", "exports_by_publisher")
    assert set(first) - {"period_start"} == {labels[source] for (source,) in sources}
    assert len(rows) >= 20 and len(sources) >= 4


def test_series_and_bars_are_named_and_not_coded() -> None:
    codes = {
        "source",
        "reporter",
        "partner",
        "service",
        "region",
        "area",
        "group_code",
        "indicator",
        "series",
    }
    shown = [
        (page, chart["id"], name)
        for page, charts in DASHBOARDS.items()
        for chart in charts
        for name in (*chart.get("by", []), chart.get("x", "period_start"), *chart.get("columns", []))
    ]
    named = {name for _, _, name in shown}
    assert {
        "source_label",
        "reporter_name_en",
        "partner_name_en",
        "service_name_en",
        "group_name_en",
    } <= named
    assert [one for one in shown if one[2] in codes - ({"series"} if one[1] == "freshness" else set())] == []


def test_sql_lab_reads_the_release_and_nothing_else(analyst: Any, tmp_path: Path) -> None:
    answer = analyst.sql("select count(*) as n from bi.annual")
    with duckdb.connect(str(analyst.superset.database), read_only=True) as db:
        assert answer.json()["data"] == [{"n": db.execute("select count(*) from bi.annual").fetchone()[0]}]
    secret = analyst.superset.home / "secrets" / "superset_secret_key"
    written = tmp_path / "out.csv"
    for text in (
        f"select content from read_text('{secret}')",
        f"copy (select 1) to '{written}'",
        f"attach '{secret}' as other",
        "set enable_external_access = true",
        "create table bi.mine as select 1",
    ):
        refused = analyst.sql(text)
        assert refused.status >= 400, (text, refused.text())
        assert secret.read_text() not in refused.text()
    assert not written.exists()


def test_refusal_of_files_is_that_of_the_connection(analyst: Any) -> None:
    """Superset's own list of statements may change: the connection must refuse by itself."""
    assert "file system operations are disabled" in analyst.sql("from read_text('/etc/hostname')").text()


def test_reader_has_no_sql_lab(reader: Any, analyst: Any) -> None:
    assert reader.sql("select 1").status in (401, 403, 404)
    for tab, has in ((analyst, True), (reader, False)):
        tab.page.goto(f"{tab.superset.address}/superset/welcome/")
        tab.page.wait_for_selector("text=Dashboards", timeout=30_000)
        menu = json.dumps(tab.get("/api/v1/menu/").json())
        assert ("SQL Lab" in menu) is has
        assert (tab.page.locator("nav >> text=SQL").count() > 0 or "SQL Lab" in menu) is has
        opened = tab.page.goto(f"{tab.superset.address}/sqllab/")
        tab.page.wait_for_load_state("networkidle")
        assert (
            tab.page.locator(".ace_editor, [data-test=sql-editor-tabs], .SqlEditor").count() > 0
        ) is has, (
            opened.status,
            tab.page.inner_text("body")[:300],
        )


def test_reader_changes_nothing(reader: Any) -> None:
    (dashboard, *_) = reader.get("/api/v1/dashboard/").json()["ids"]
    assert reader.post("/api/v1/chart/", {"slice_name": "mine"}).status == 403
    changed = reader.page.request.put(
        f"{reader.superset.address}/api/v1/dashboard/{dashboard}", data={"css": "x"}, headers=reader.headers
    )
    assert changed.status == 403


def test_metrics_have_the_comments_of_columns(analyst: Any) -> None:
    listed = analyst.get("/api/v1/dataset/?q=(page_size:100)").json()["result"]
    ids = {one["table_name"]: one["id"] for one in listed}
    dataset = analyst.get(f"/api/v1/dataset/{ids['annual']}").json()["result"]
    shown = {one["metric_name"]: one["description"] for one in dataset["metrics"]}
    with duckdb.connect(str(analyst.superset.database), read_only=True) as db:
        comments = db.execute(
            "select 'metric_' || column_name, trim(comment) from duckdb_columns() "
            "where schema_name = 'bi' and table_name = 'annual' and data_type = 'DOUBLE'"
        ).fetchall()
        assert set(ids) == {
            name
            for (name,) in db.execute(
                "select table_name from duckdb_tables() where schema_name = 'bi'"
            ).fetchall()
        }
    assert len(comments) >= 5
    assert {name: shown[name] for name, _ in comments} == dict(comments)


def test_next_query_reads_a_new_release_and_new_columns_are_imported(analyst: Any) -> None:
    server = analyst.superset
    query = "select exports_usd_million as v from bi.annual where reporter = 'CHN' and period_label = '2021'"
    (before,) = analyst.sql(query).json()["data"]
    second = server.published / "second"
    second.mkdir()
    shutil.copyfile(server.database, second / DATABASE)
    (second / DATABASE).chmod(0o644)
    with duckdb.connect(str(second / DATABASE)) as db:
        db.execute(
            "update bi.annual set exports_usd_million = 1 where reporter = 'CHN' and period_label = '2021'"
        )
        db.execute("alter table bi.annual add column weight_pct double")
        db.execute("comment on column bi.annual.weight_pct is 'Weight, in percent.'")
    server.switch(second)
    (after,) = analyst.sql(query).json()["data"]
    assert before["v"] > 1000 and after["v"] == 1

    listed = analyst.get("/api/v1/dataset/?q=(page_size:100)").json()["result"]
    dataset = next(one["id"] for one in listed if one["table_name"] == "annual")
    deadline = time.monotonic() + 60
    while True:
        result = analyst.get(f"/api/v1/dataset/{dataset}").json()["result"]
        found = {one["column_name"]: one["description"] for one in result["columns"]}
        if "weight_pct" in found:
            break
        assert time.monotonic() < deadline, server.log.read_text()[-2000:]
        time.sleep(1)
    assert found["weight_pct"] == "Weight, in percent."
    # updated in place: as many datasets and dashboards as before
    assert len(analyst.get("/api/v1/dataset/?q=(page_size:100)").json()["result"]) == len(listed)
    assert analyst.get("/api/v1/dashboard/?q=(page_size:100)").json()["count"] == len(DASHBOARDS)
