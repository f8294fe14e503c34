"""The staging models give the same observations on Spark as on DuckDB, and reject the same values.

A build on Spark reads what DuckDB staged, so these models are run here, on every row of every source. Then
values that cannot be parsed must fail on both engines, and never become null: a row of each source is spoiled
in one column, and the source's staging model is run on it.
Bad numbers are of the corpus of bad payloads (tests/faults/mutations.py).
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest
from comparison import Compared, compare
from mutations import STRANGE
from spark_cluster import JAVA, PYTHON
from spark_night import land_night

from warehouse.build import load as loading
from warehouse.build import spark
from warehouse.build.dbt import run_dbt
from warehouse.build.reuse import WORKING
from warehouse.config import DBT_PROJECT_DIR, PROJECT_ROOT, load_settings
from warehouse.database import connect, literal
from warehouse.landing import parse, store
from warehouse.model import Vintage
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
STAGING = ("--select", *(f"stg_{name}" for name in SOURCES))
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


class Staged(NamedTuple):
    """What the staging models of both engines gave: their tables, and the answers to the probes."""

    compared: list[Compared]
    expected: dict[str, Any]
    actual: dict[str, Any]


def landed_rows(home: Path) -> list[tuple[Vintage, Path]]:
    """Return the vintages of a home, each with the file of its rows."""
    settings = load_settings(home=home)
    return [
        (one, parse.rows_of(source, one, settings.reparsed))
        for source in SOURCES.values()
        for one in store.vintages(settings.landing, source.name)
    ]


@pytest.fixture(scope="module")
def staged(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Staged:
    """Run the staging models on both engines over the landing of the night, and then over the probes."""
    work = tmp_path_factory.mktemp("staging")
    landed = land_night(home, work)
    file, rows = work / "duckdb" / WORKING, landed_rows(landed)
    loading.load(file, SOURCES, rows, {}, [])
    run_dbt(
        [("seed",), ("run", *STAGING)],
        file,
        DBT_PROJECT_DIR,
        work / "duckdb" / "dbt",
        work / "parsed.msgpack",
    )
    expected: dict[str, str | list[str | None]] = {}
    models = work / "duckdb" / "dbt" / "compiled"
    statements = spark.relations(file, SOURCES, rows, None, work / "raw")
    with connect(file) as db:
        db.execute(f"attach {literal(work / 'duckdb.duckdb')} as expected; create schema expected.staging")
        for name in SOURCES:
            db.execute(f"create table expected.staging.stg_{name} as from staging.stg_{name}")
        db.execute("detach expected")
        probes = write_probes(landed / "landing", work / "rows", db, models)
        for probe in probes:
            db.execute(view(probe["source"], probe["file"], probe["row"], "duckdb"))
            try:
                model = next(models.rglob(f"stg_{probe['source']}.sql")).read_text()
                expected[probe["name"]] = values_of(db, model)
            except duckdb.Error as error:
                expected[probe["name"]] = f"rejected: {str(error).splitlines()[0]}"
    actual = answers_of_spark(probes, statements, work)
    tables = work / "spark" / spark.TABLES / "staging.db"
    with connect(work / "spark.duckdb") as db:
        db.execute("create schema staging")
        for name in SOURCES:
            parts = literal(tables / f"stg_{name}" / "*.parquet")
            db.execute(f"create table staging.stg_{name} as from read_parquet({parts})")
    return Staged(compare(work / "duckdb.duckdb", work / "spark.duckdb", {}), expected, actual)


def test_staging_models_give_the_observations_of_duckdb(staged: Staged) -> None:
    assert len(staged.compared) == len(SOURCES)
    assert [str(one) for one in staged.compared if not one.is_equal or not one.rows] == []


def test_what_duckdb_rejects_is_rejected_on_spark(staged: Staged) -> None:
    assert set(NUMBERS) < set(STRANGE)
    _, expected, actual = staged
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
    job = {
        "conf": cluster.conf(directory),
        "statements": ["create schema raw", "create schema staging", *statements],
        "commands": [["parse", *common], ["seed", *common], ["run", *STAGING, *common]],
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
            env=spark.environment(cluster) | JAVA,
            stdout=log, stderr=log, cwd=directory, check=False,
        ).returncode  # fmt: skip
    assert code == 0, (directory / "log").read_text(errors="replace")[-4000:]
    answers: dict[str, Any] = json.loads((directory / "answers.json").read_text())
    return answers
