"""Curated figures: the folder as a source, the contract of its columns, and its listing."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from warehouse.cli.curated import EXAMPLE
from warehouse.config import CURATED_DIR
from warehouse.errors import SourceError, WarehouseError
from warehouse.fetch import Limits, fetch
from warehouse.model import raw_schema
from warehouse.sources.curated import COLUMNS, SOURCE, examine, file_names

FIXTURES = Path(__file__).parents[1] / "fixtures" / "curated"
ROW = dict.fromkeys(COLUMNS, "") | EXAMPLE


def written(path: Path, *rows: dict[str, str]) -> Path:
    text = io.StringIO()
    sheet = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    sheet.writeheader()
    sheet.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def rows_of(folder: Path, tmp_path: Path) -> list[dict[str, object]]:
    files = {path.name: path for path in sorted(folder.glob("*.csv"))}
    batches = list(SOURCE.read(files, tmp_path))
    assert all(batch.schema == raw_schema(COLUMNS) for batch in batches)
    return pa.Table.from_batches(batches).to_pylist()


def test_shipped_figures_equal_the_publications(tmp_path: Path) -> None:
    # Counted with `wc -l` less the headers: 181 + 195 + 101 + 50.
    rows = rows_of(CURATED_DIR, tmp_path)
    assert len(rows) == 527
    # Printed in the releases: 2 236.44 billion yuan of exports from January to November of 2021.
    [exports] = [
        row
        for row in rows
        if (row["period"], row["service"], row["flow"], row["measure"])
        == ("2021-01/2021-11", "S", "exports", "trade")
    ]
    assert (exports["value"], exports["unit"], exports["currency"]) == ("22364.4", "100 million", "CNY")
    # The same 3.24 billion is printed for January and February of Hainan.
    [hainan] = [row for row in rows if row["area"] == "Hainan" and row["period"] == "2020-Q1"]
    assert hainan["status"] == "contradicted"
    assert {row["excerpt"] for row in rows} == {None}
    assert all(
        row["status"] == "unverified"
        for row in rows
        if not str(row["page"]).startswith(("http://", "https://"))
    )


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("period", "2021-13", "2021-08"),
        ("period", "2021-11/2021-01", "2018-01/2018-07"),
        ("area", "", "the area's name"),
        ("area_type", "county", "one of economy"),
        ("area_type", "province (category)", 'the suffix "(category)"'),
        ("measure", "level", "one of trade"),
        ("service", "Travel", "EBOPS 2010"),
        ("flow", "export", "one of exports"),
        ("value", "22,364.4", "without thousands commas"),
        ("value", "-5", "not negative"),
        ("unit", "亿元", "100 million"),
        ("unit", "percent", "million"),
        ("currency", "", "ISO 4217"),
        ("page", "cr-cbt.com/news", "the status must be unverified"),
        ("excerpt", "x" * 301, "at most 300"),
        ("status", "sure", "one of stated"),
        ("note", " padded", "without surrounding spaces"),
    ],
)
def test_each_column_rejects_unexpected_values(
    column: str, value: str, expected: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "a.csv", ROW, {**ROW, "period": "2020", column: value})
    _, problems = examine(path)
    assert [
        (problem.line, problem.column, problem.value) for problem in problems if expected in problem.expected
    ] == [(3, column, value)]
    with pytest.raises(SourceError, match="line 3"):
        list(SOURCE.read({"a.csv": path}, tmp_path))


def test_spans_are_periods_in_both_notations(tmp_path: Path) -> None:
    spans = ("2018-01/2018-07", "2018-01..2018-08", "2016/2020", "2021-Q3", "2021-08")
    _, problems = examine(written(tmp_path / "a.csv", *({**ROW, "period": span} for span in spans)))
    assert problems == []


def test_duplicate_figure_short_row_and_unknown_header_are_reported(tmp_path: Path) -> None:
    assert "the same figure as line 2" in str(examine(written(tmp_path / "a.csv", ROW, ROW))[1][0])
    path = written(tmp_path / "b.csv", ROW)
    path.write_text(path.read_text() + "2021,China\n")
    assert "line 3: 2 values" in str(examine(path)[1][0])
    path.write_text("period;area\n")
    assert "line 1: header period;area" in str(examine(path)[1][0])
    path.write_text(",".join(COLUMNS) + "\n")
    assert "no figure" in str(examine(path)[1][0])
    path.write_bytes(b"period\n\xff\n")
    assert "line 2: byte 0xff" in str(examine(path)[1][0])


def test_folder_is_read_without_network(tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    folder.mkdir()
    written(folder / "mine.csv", ROW)
    got = fetch(SOURCE, tmp_path / "files", curated=folder, limits=Limits())
    assert [(answer.address, answer.via) for answer in got] == [
        ("curated://", "curated"),
        ("curated://mine.csv", "curated"),
    ]
    assert (tmp_path / "files" / "mine.csv").read_bytes() == (folder / "mine.csv").read_bytes()


def test_listed_file_outside_the_folder_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    written(tmp_path / "outside.csv", ROW)
    listing = next(SOURCE.plan())

    def listed_outside():  # type: ignore[no-untyped-def]
        yield replace(listing, name="a.csv", url="curated://../outside.csv", kind="csv")

    with pytest.raises(SourceError, match="no such file"):
        fetch(replace(SOURCE, plan=listed_outside), tmp_path / "files", curated=tmp_path / "figures")
    with pytest.raises(SourceError, match="has no CSV file"):
        fetch(SOURCE, tmp_path / "files", curated=tmp_path / "figures")


def test_mirror_takes_precedence_over_the_folder(tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "files.json").write_text('["a.csv"]')
    written(mirror / "a.csv", ROW)
    answers = [{"address": f"curated://{n}", "file": n or "files.json"} for n in ("", "a.csv")]
    (mirror / "index.json").write_text(json.dumps({"name": "recorded", "answers": answers}))
    got = fetch(SOURCE, tmp_path / "files", mirror=str(mirror), curated=tmp_path / "nowhere")
    assert {answer.via for answer in got} == {"recorded"}


@pytest.mark.parametrize("data", [b'["a.csv"]["b.csv"]', b'["a\xff.csv"]', b"", b"[", b"[NaN]"])
def test_listing_that_is_not_json_is_rejected_by_name(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "files.json"
    path.write_bytes(data)
    with pytest.raises(WarehouseError, match=r"^curated: .*file files\.json"):
        file_names(path)
    path.write_bytes(b'\xef\xbb\xbf["a.csv"]')
    assert file_names(path) == ["a.csv"], "a byte order mark is ignored"
