"""Shared by the tests of the gates: a source of two columns, and functions that write suites and tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from warehouse.model import Source, raw_schema
from warehouse.quality import Verdict, validate_vintage


def no_plan():  # type: ignore[no-untyped-def]
    yield from ()


TOY = Source(
    name="toy",
    title="Toy",
    publisher="Nobody",
    table="toy",
    homepage="https://example.org",
    licence="none",
    columns=("year", "value"),
    key=("year",),
    plan=no_plan,
    read=lambda files, work, note: iter(()),
)

HAS_ROWS = {
    "name": "there are rows",
    "why": "To test the gate.",
    "type": "expect_table_row_count_to_be_between",
    "kwargs": {"min_value": 1},
}


def query(name: str, sql: str) -> dict[str, Any]:
    return {"name": name, "why": "To test the gate.", "query": sql}


FINE = query("fine", "select 1 as finding from {batch} where false")


def suite(folder: Path, name: str, *expectations: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.yml"
    file.write_text(yaml.safe_dump({"expectations": list(expectations)}, sort_keys=False), encoding="utf-8")
    return file


def parquet(file: Path, *rows: tuple[str, str | None]) -> Path:
    columns = {
        "year": [year for year, _ in rows],
        "value": [value for _, value in rows],
        "_file": ["toy.csv" for _ in rows],
        "_row": [number for number, _ in enumerate(rows, 2)],
    }
    pq.write_table(pa.table(columns, schema=raw_schema(TOY.columns)), file)
    return file


def seeds(folder: Path) -> Path:
    folder.mkdir()
    (folder / "economy_code.csv").write_text("scheme,code\nm49,076\nworldbank,NA\n", encoding="utf-8")
    (folder / "scale.csv").write_text("millions\n100\n1.50\n", encoding="utf-8")
    return folder


def validate_toy(tmp_path: Path, *expectations: dict[str, Any], previous: Path | None = None) -> Verdict:
    """Run the load gate on three rows; the seeds are expected in `tmp_path / "seeds"`."""
    suite(tmp_path / "suites", "raw.toy", *expectations)
    rows = parquet(tmp_path / "rows.parquet", ("2019", "1.50"), ("2020", "1,5"), ("2021", None))
    return validate_vintage(TOY, rows, previous, tmp_path / "seeds", tmp_path / "suites", tmp_path / "work")


def database(file: Path, *statements: str) -> Path:
    with duckdb.connect(str(file)) as db:
        for statement in ("create schema core", "create schema marts", *statements):
            db.execute(statement)
    return file
