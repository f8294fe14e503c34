"""Printing: tables at every width, and JSON."""

from __future__ import annotations

import io
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from command_line import invoke
from rich.console import Console

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
