"""Printing: tables at every width, and JSON."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import alert_cases
import pytest
from command_line import invoke
from rich.console import Console
from small_homes import EARLIER_RELEASE, RELEASE, SOURCE
from small_releases import make_vintage

from warehouse.cli import render

ROW = {f"column_{number}": f"value of {number}" for number in range(12)}


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_column_folds_into_single_letters(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    monkeypatch.setattr(render, "out", Console(file=text, width=width))
    render.print_table([ROW, ROW], tuple(ROW))
    shown = text.getvalue()
    assert all(value in shown for value in ROW.values()), shown
    assert all(len(line) <= width for line in shown.splitlines())
    assert (len(shown.splitlines()) == 3) == (width == 200)


@pytest.mark.parametrize("count", [2, 5, 9])
def test_no_figure_is_cut_at_any_width(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rich cuts the right edge of a table that is too wide, and with it the digits of a figure."""
    row = {f"total_{number}": 1056457445892 + number for number in range(count)} | {
        "flow": "exports, imports"
    }
    for width in range(24, 140):
        text = io.StringIO()
        monkeypatch.setattr(render, "out", Console(file=text, width=width))
        render.print_table([row], tuple(row))
        words = text.getvalue().split()
        assert all(str(value) in words for value in row.values() if value != row["flow"]), text.getvalue()
        assert {"exports,", "imports"} <= set(words), text.getvalue()


def test_column_without_values_is_aligned_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    monkeypatch.setattr(render, "out", Console(file=text, width=80))
    render.print_table([{"vintage": "2022-09-16", "remarks": None}], ("vintage", "remarks"))
    heading, row = text.getvalue().splitlines()
    assert row.index("–") == heading.index("remarks")


def test_prose_is_folded_in_a_table_that_fits_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    monkeypatch.setattr(render, "out", Console(file=text, width=40))
    render.print_table([{"source": "batis", "detail": "a long reason " * 5}], ("source", "detail"))
    first, *rest = text.getvalue().splitlines()
    assert first.split() == ["source", "detail"] and len(rest) > 1


def test_query_json_is_valid(small: Path) -> None:
    sql = (
        "select 'nan'::double as a, 'infinity'::double as b, [1.5, '-inf'::double] as c, "
        "1.10::decimal(4, 2) as d, date '2024-01-02' as e"
    )

    def reject(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    (row,) = json.loads(invoke(small, "query", sql, "--json").stdout, parse_constant=reject)
    assert row == {"a": None, "b": None, "c": [1.5, None], "d": "1.10", "e": "2024-01-02"}


def test_finite_keeps_other_values() -> None:
    kept = {"a": Decimal("1.10"), "b": date(2024, 1, 2), "c": [1, "x", None, True]}
    assert render.finite(kept) == kept


LISTS = (
    ("status",),
    ("alerts",),
    ("sources",),
    ("releases",),
    ("rejected", "list"),
    ("vintages", "list", SOURCE),
    ("backfill", "list"),
    ("fetch", SOURCE),
    ("diff", EARLIER_RELEASE, RELEASE),
)


@pytest.mark.parametrize("words", LISTS, ids=lambda words: words[0])
def test_csv_has_the_rows_of_json(words: tuple[str, ...], small: Path, tmp_path: Path) -> None:
    mirror = alert_cases.silent_mirror(tmp_path / "silent")
    exit_code = int(words[0] == "fetch")  # nothing answers
    data = invoke(small, *words, "--json", mirror=mirror, exit_code=exit_code).json
    listed = {"status": "sources", "diff": "tables"}.get(words[0])
    expected = data[listed] if listed else data
    printed = invoke(small, *words, "--csv", mirror=mirror, exit_code=exit_code).stdout
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert len(rows) == len(expected) > 0
    for row, facts in zip(rows, expected, strict=True):
        assert row and row.keys() <= facts.keys() and None not in row.values()
        plain = {name: value for name, value in facts.items() if isinstance(value, str | int) and name in row}
        assert plain
        assert {name: row[name].lower() for name in plain} == {
            name: str(value).lower() for name, value in plain.items()
        }


def test_csv_of_an_empty_list_is_its_header(tmp_path: Path) -> None:
    make_vintage(tmp_path / "landing", SOURCE, "2024-05-02", [{"year": "2021"}])
    (header,) = invoke(tmp_path, "rejected", "list", "--csv").stdout.splitlines()
    assert header.startswith("id,source,rejected_at,")


def test_nested_values_nulls_and_formulas_in_csv(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"a": ["x", "y"], "b": None, "c": {"d": float("nan")}, "e": True, "f": "=1+1", "g": "left out"}
    render.print_csv([row], "abcef")
    assert capsys.readouterr().out == 'a,b,c,e,f\nx; y,,"{""d"": null}",true,\'=1+1\n'
