"""Values that cannot be parsed fail on Spark as on DuckDB, and never become null.

A row of each source is spoiled in one column, and the source's staging model is run on it by both engines.
Bad numbers are of the corpus of bad payloads (tests/faults/mutations.py).
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest
from mutations import STRANGE
from spark_cluster import PYTHON

from warehouse.build import load as loading
from warehouse.build import spark
from warehouse.build.dbt import run_dbt
from warehouse.build.reuse import WORKING
from warehouse.config import DBT_PROJECT_DIR, PROJECT_ROOT
from warehouse.database import connect, literal
from warehouse.landing import store
from warehouse.sources import SOURCES

pytestmark = pytest.mark.spark

# The columns with a number and with a period, of each source.
SPOILED = {
    "atlas_services": ("export_value", "year"),
    "batis": ("balanced_value", "year"),
    "curated": ("value", "period"),
    "data360_digital": ("obs_value", "time_period"),
    "mofcom_totals": ("exports_rmb", "year"),
    "ons_services": ("value", "period"),
    "safe_bop": ("value", "period"),
    "unctad_goods": ("value", "year"),
    "unctad_services": ("value", "year"),
    "worldbank_wdi": ("value", "date"),
    "wto_digital": ("value", "year"),
    "wto_merchandise": ("value", "year"),
}
# Where the staging model reads some of the rows only.
KEPT = {"wto_merchandise": "product_code = 'TO' and partner_code = '000' and reporter_code <> '000'"}
# One of each kind: a query on Spark takes a second.
NUMBERS = ("ZZZ9", "-", " 1", "１２", "1,234.5", "NaN", "1e400", "0x1F", "1e5", "99999999999999999999")
PERIODS = ("20x1", "2021Q9", "-")


def write_probes(
    landing: Path, directory: Path, db: duckdb.DuckDBPyConnection, models: Path
) -> list[dict[str, Any]]:
    """Write the spoiled rows of each source to a Parquet file; return the probes with the rows' numbers."""
    directory.mkdir()
    probes = []
    for name, (number, period) in SPOILED.items():
        rows = store.vintages(landing, name)[-1].rows_path
        model = next(models.rglob(f"stg_{name}.sql")).read_text()
        listed = ", ".join(f'"{column}"' for column in SOURCES[name].columns)
        file = directory / f"{name}.parquet"
        for candidate in range(200):  # the first row that gives an observation with a value
            db.execute(
                f"create or replace temp table good as select {listed}, _file from read_parquet(?) "
                f"""where regexp_full_match("{number}", '[1-9][0-9.,]*') """
                f"and {KEPT.get(name, 'true')} limit 1 offset ?",
                [str(rows), candidate],
            )
            db.execute(f"copy (select *, 0 as _row from good) to {literal(file)}")
            db.execute(view(name, file, 0, "duckdb"))
            if any(value is not None for value in values_of(db, model)):
                break
        else:
            raise AssertionError(f"{name}: none of 200 rows gives a value")
        spoiled = [
            ("as sent", number, None),
            *((v, number, v) for v in NUMBERS),
            *((v, period, v) for v in PERIODS),
        ]
        parts = []
        for row, (value, column, text) in enumerate(spoiled):
            change = "" if text is None else f'replace ({literal(text)} as "{column}")'
            parts.append(f"select * {change}, cast({row} as bigint) as _row from good")
            probes.append({"name": f"{name}, {column}: {value!r}", "source": name, "file": file, "row": row})
        db.execute(f"copy ({' union all '.join(parts)}) to {literal(file)}")
    return probes


def view(source: str, file: Path, row: int, engine: str) -> str:
    quote, table = (
        ("`", f"parquet.`{file}`") if engine == "spark" else ('"', f"read_parquet({literal(file)})")
    )
    listed = ", ".join(f"{quote}{column}{quote}" for column in SOURCES[source].columns)
    select = f"select {listed}, _file, _row, '2024-05-02' as vintage from {table} where _row = {row}"
    return f"create or replace view raw.{quote}{source}{quote} as {select}"


def values_of(db: duckdb.DuckDBPyConnection, model: str) -> list[str | None]:
    result = db.execute(model)
    index = [column[0] for column in result.description].index("value")
    return [None if row[index] is None else str(row[index]) for row in result.fetchall()]


def test_what_duckdb_rejects_is_rejected_on_spark(home: Path, tmp_path: Path) -> None:
    assert set(NUMBERS) < set(STRANGE)
    file = tmp_path / "duckdb" / WORKING
    loading.load(file, SOURCES, [], {}, [])
    selected = ("compile", "--select", *(f"stg_{name}" for name in SPOILED))
    run_dbt(
        [("seed",), selected], file, DBT_PROJECT_DIR, tmp_path / "duckdb" / "dbt", tmp_path / "parsed.msgpack"
    )
    expected: dict[str, str | list[str | None]] = {}
    with connect(file) as db:
        models = tmp_path / "duckdb" / "dbt" / "compiled"
        probes = write_probes(home / "landing", tmp_path / "rows", db, models)
        for probe in probes:
            db.execute(view(probe["source"], probe["file"], probe["row"], "duckdb"))
            try:
                model = next(models.rglob(f"stg_{probe['source']}.sql")).read_text()
                expected[probe["name"]] = values_of(db, model)
            except duckdb.Error as error:
                expected[probe["name"]] = f"rejected: {str(error).splitlines()[0]}"
    actual = answers_of_spark(
        probes, [spark.source_view(source, []) for source in SOURCES.values()], tmp_path
    )

    assert actual.keys() == expected.keys()
    rejected = {name for name, answer in expected.items() if isinstance(answer, str)}
    assert len(rejected) > 80  # the values are not void
    assert all(isinstance(answer, list) for name, answer in expected.items() if name.endswith("'as sent'"))
    # Java takes full-width digits for digits, and reads the right number; readers reject them before staging.
    read = {name: actual[name] for name in rejected if isinstance(actual[name], list)}
    assert {name: answer for name, answer in read.items() if not name.endswith("'１２'")} == {}
    # What both accept is the same number; what Spark alone rejects is no silent loss.
    both = [name for name in expected if name not in rejected and isinstance(actual[name], list)]
    different = [name for name in both if numbers(expected[name]) != numbers(actual[name])]
    assert {name: (expected[name], actual[name]) for name in different} == {}
    only_spark = sorted(name for name in expected if name not in rejected and isinstance(actual[name], str))
    print(
        f"{len(expected)} values: {len(rejected) - len(read)} rejected by both, "
        f"{len(both)} accepted by both, {len(read)} rejected by DuckDB alone, "
        f"{len(only_spark)} rejected by Spark alone:"
    )
    print("\n".join(f"  {name}: {actual[name]}" for name in only_spark))


def numbers(answer: Any) -> list[float | None]:
    return sorted((None if value is None else float(value) for value in answer), key=str)


def answers_of_spark(probes: list[dict[str, Any]], statements: list[str], tmp_path: Path) -> dict[str, Any]:
    directory = tmp_path / "spark"
    directory.mkdir()
    cluster = spark.Cluster(PYTHON)
    common = [
        *("--project-dir", str(DBT_PROJECT_DIR), "--profiles-dir", str(DBT_PROJECT_DIR), "--target", "spark"),
        *("--target-path", str(directory), "--log-path", str(directory), "--no-use-colors"),
    ]
    selected = ["compile", "--select", *(f"stg_{name}" for name in SPOILED)]
    job = {
        "conf": cluster.conf(directory),
        "statements": ["create schema raw", "create schema staging", *statements],
        "commands": [["parse", *common], ["seed", *common], [*selected, *common]],
        "compiled": str(directory / "compiled"),
        "probes": [
            {
                "name": p["name"],
                "source": p["source"],
                "view": view(p["source"], p["file"], p["row"], "spark"),
            }
            for p in probes
        ],
        "answers": str(directory / "answers.json"),
    }
    (directory / "job.json").write_text(json.dumps(job, ensure_ascii=False))
    script = PROJECT_ROOT / "tests" / "spark" / "strictness_job.py"
    with (directory / "log").open("wb") as log:
        code = subprocess.run(
            [str(PYTHON), str(script), str(directory / "job.json")],
            env=spark.environment(cluster), stdout=log, stderr=log, cwd=directory, check=False,
        ).returncode  # fmt: skip
    assert code == 0, (directory / "log").read_text(errors="replace")[-4000:]
    answers: dict[str, Any] = json.loads((directory / "answers.json").read_text())
    return answers
