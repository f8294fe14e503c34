"""The notebook docs/tour.ipynb runs on a release, and its tables have the publishers' figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import Warehouse
from nbclient import NotebookClient

from warehouse.config import PROJECT_ROOT

NOTEBOOK = PROJECT_ROOT / "docs" / "tour.ipynb"


def texts_of(notebook: Any) -> list[str]:
    """Return the outputs of the cells with code as texts, a chart as its SVG."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert all(output.output_type in ("execute_result", "display_data") for output in outputs)
    return [output.data.get("image/svg+xml") or output.data["text/plain"] for output in outputs]


@pytest.mark.slow
def test_notebook_runs_and_shows_the_figures_of_the_publishers(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_HOME", str(warehouse.home))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    stored = texts_of(notebook)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    shown = texts_of(notebook)
    assert len(shown) == 7
    # SAFE, bop_bpm6.xlsx, annual sheet in US dollars, credits of services, 2020: 228 883 million.
    assert next(line for line in shown[1].splitlines() if line.startswith("2020")).split()[2] == "228883.0"
    # MOFCOM: exports of 19 356.7 in a total of 45 642.7, in hundred million yuan.
    assert round(100 * 19356.7 / 45642.7, 2) == 42.41
    (row,) = [line for line in shown[3].splitlines() if "mofcom_totals" in line]
    assert row.split()[1:3] == ["42.0", "42.41"]
    assert shown[2].startswith("<svg") and shown[5].startswith("<svg")
    assert [text for text in shown if not text.startswith("<svg")] == [
        text for text in stored if not text.startswith("<svg")
    ], "the stored outputs are of another release: run the notebook again and save it"


def test_notebook_names_no_path_of_a_machine() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert str(Path.home()) not in text and str(PROJECT_ROOT) not in text
