"""MOFCOM's totals by year, in pages of the site's documented form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import ingest, settings_of

from warehouse.config import SAMPLE_DIR
from warehouse.errors import SourceError
from warehouse.files import sha256_of
from warehouse.landing import store
from warehouse.sources.mofcom_totals import FIELDS, SOURCE, read_page

NAMES = [name for name, _ in FIELDS]


def row(year: str, *amounts: Any) -> dict[str, Any]:
    return dict(zip(NAMES, [year, *amounts, *[None] * (8 - len(amounts))], strict=True))


def page(path: Path, rows: list[dict[str, Any]], total: int | None = None, **more: Any) -> Path:
    total = len(rows) if total is None else total
    body = {"rows": rows, "total": total, "pageSize": 2, "maxPageNum": -(-total // 2)} | more
    path.write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")
    return path


def read(*pages: Path) -> list[dict[str, Any]]:
    files = {f"page-{number}.json": path for number, path in enumerate(pages, start=1)}
    return pa.Table.from_batches(list(SOURCE.read(files, pages[0].parent))).to_pylist()


def test_sample_equals_the_press_releases(tmp_path: Path) -> None:
    # From the press releases: 2021 exports 2 543.5, imports 2 754.77, both 5 298.27 billion yuan.
    [file] = (SAMPLE_DIR / "night-2" / "data.mofcom.gov.cn").rglob("*.json")
    rows = read(file)
    assert [record["year"] for record in rows] == ["2021", "2020", "2017", "2012"]
    assert (rows[0]["total_rmb"], rows[0]["exports_rmb"]) == ("52,982.7", "25,435.0")
    assert rows[0]["balance_rmb"] == "-2,112.8" and rows[0]["exports_usd"] is None


def test_pages_are_requested_until_the_last(tmp_path: Path) -> None:
    first = page(tmp_path / "1", [row("2021"), row("2020")], 3)
    second = page(tmp_path / "2", [row("2019", "1,234.5", "", "—", "-")], 3)
    plan = SOURCE.plan()
    request = next(plan)
    assert request.address.endswith("/fwmy/overyears?pageNumber=1") and dict(request.headers)["Referer"]
    assert plan.send(first).address.endswith("pageNumber=2")
    with pytest.raises(StopIteration):
        plan.send(second)
    assert SOURCE.seconds_between_calls == 1.5
    last = read(first, second)[-1]
    assert [last[c] for c in ("total_rmb", "exports_rmb", "imports_rmb", "balance_rmb")] == [
        "1,234.5",
        "",
        "—",
        "-",
    ]


@pytest.mark.parametrize(
    ("rows", "more", "reason"),
    [
        ([row("2021", "12,34.5")], {}, "neither an amount"),
        ([row("2021", "n/a")], {}, "neither an amount"),
        ([row("21")], {}, "not a year"),
        ([{"year": "2021"}], {}, "the row has no field 'importAndExportVolumeRMB'"),
        (["2021"], {}, "the row is not an object"),
        ([row("2021")], {"total": 2}, "page 1 has 1 rows"),
        ([row("2021")], {"maxPageNum": 9}, "the counts are inconsistent"),
        ([], {"maxPageNum": 0}, "the page has no rows"),
        ([row("2021")], {"pageSize": None}, "pageSize is not a count"),
    ],
)
def test_unexpected_form_is_rejected(
    rows: list[Any], more: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match=reason):
        read(page(tmp_path / "1", rows, **more))


def test_further_keys_are_drift_and_change_no_row(tmp_path: Path) -> None:
    expected = read(page(tmp_path / "1", [row("2021", "1.5"), row("2020")]))
    further = page(tmp_path / "2", [row("2021", "1.5") | {"id": 7}, row("2020") | {"id": 8}], hint={"a": 1})
    notes: list[tuple[str, str]] = []
    batches = SOURCE.read({"page-1.json": further}, tmp_path, lambda *note, **_: notes.append(note))
    assert pa.Table.from_batches(list(batches)).to_pylist() == expected
    assert set(notes) == {
        ("page-1.json", "further key 'hint' in the page"),
        ("page-1.json", "further key 'id' in the row"),
    }


@pytest.mark.parametrize("mark", ["", "-", "–", "—", "——", "/"])
def test_mark_for_a_missing_amount_is_read_as_sent(mark: str, tmp_path: Path) -> None:
    """The load gate and the staging model know the same marks: see the expectation and the unit test."""
    [only] = read(page(tmp_path / "1", [row("1982", "43.4", mark)]))
    assert (only["total_rmb"], only["exports_rmb"]) == ("43.4", mark)


def test_running_year_is_landed(tmp_path: Path) -> None:
    """The table of November 2026 has the ten months of 2026; int_observations_unioned holds them out."""
    [sample] = (SAMPLE_DIR / "night-2" / "data.mofcom.gov.cn").rglob("*.json")
    answer = json.loads(sample.read_bytes())
    ten_months = row("2026", "47,000.3", "21,000.1", "26,000.2", "-5,000.1")
    content = {**answer, "rows": [ten_months, *answer["rows"]], "total": answer["total"] + 1}
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "page.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    recorded = json.loads((SAMPLE_DIR / "night-2" / "index.json").read_text())
    [entry] = [one for one in recorded["answers"] if "overyears" in one["address"]]
    entry |= {"file": "page.json", "sha256": sha256_of(folder / "page.json")}
    entry["retrieved_at"] = "2026-11-01T00:00:00Z"
    (folder / "index.json").write_text(json.dumps(recorded | {"answers": [entry]}))
    home = tmp_path / "home"
    ingest(settings_of(home, SAMPLE_DIR / "night-2"), SOURCE.name)
    assert ingest(settings_of(home, folder), SOURCE.name) == "2026-11-01"
    assert store.vintages(home / "landing", SOURCE.name)[-1].row_count == 5


def test_error_with_status_200_and_unordered_years_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "spring"
    path.write_text('{"timestamp": 1, "status": 500, "error": "Internal Server Error", "path": "/overyears"}')
    with pytest.raises(SourceError, match="sends its error page with status 200"):
        read_page(path, 1, "page-1.json")
    with pytest.raises(SourceError, match="HTML"):
        read_page(Path(__file__).parents[1] / "fixtures/mofcom_totals/spring_error.html", 1, "page-1.json")
    with pytest.raises(SourceError, match="year 2021 follows 2020"):
        read(page(tmp_path / "1", [row("2020"), row("2021")]))
    with pytest.raises(SourceError, match=r"the pull has the pages \[1\], expected are 1 to 2"):
        read(page(tmp_path / "1", [row("2021"), row("2020")], 3))
