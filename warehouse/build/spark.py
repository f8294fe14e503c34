"""Run dbt on Apache Spark, on the landing and the staged files of a build.

Spark reads the same Parquet files as DuckDB. The small tables of schema `raw`, which describe the landing,
are copied from the build's file. The application runs in Spark's own environment (`spark_job`), as dbt runs
in a process of its own on DuckDB.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from warehouse.build.dbt import RELEASE_SCHEMAS, failed_nodes, run_dbt
from warehouse.build.load import OBSERVATION_COLUMNS, RAW_TABLES
from warehouse.build.reuse import WORKING
from warehouse.config import PROJECT_ROOT
from warehouse.database import connect, literal
from warehouse.errors import Rejected, WarehouseError
from warehouse.model import Source, Vintage

ADAPTER = PROJECT_ROOT / "spark_adapter"
JOB = "warehouse.build.spark_job"
TABLES = "warehouse"
TIMEOUT = timedelta(hours=6)


@dataclass(frozen=True)
class Cluster:
    """Where Spark runs: the Python of its environment, the master, the memory of driver and executors.

    All processes must see the home under the same path.
    """

    python: Path
    master: str = "local[2]"
    driver_host: str = "127.0.0.1"
    driver_memory: str = "2g"
    executor_memory: str = "1g"

    def conf(self, directory: Path) -> dict[str, str]:
        """Return the settings of a session whose tables and scratch files are in a directory."""
        return {
            "spark.master": self.master,
            "spark.driver.host": self.driver_host,
            "spark.driver.bindAddress": self.driver_host,
            "spark.driver.memory": self.driver_memory,
            "spark.executor.memory": self.executor_memory,
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.warehouse.dir": str(directory / TABLES),
        }


def quoted(name: str) -> str:
    """Return an identifier between the quotes of Spark's SQL."""
    return f"`{name}`"


def files_view(relation: str, columns: Mapping[str, str], selects: Sequence[tuple[Path, str]]) -> str:
    """Return the SQL of a view on Parquet files.

    `columns` are the types by name, `selects` the files, each with further columns as SQL or an empty text.
    Without files the view is empty.
    """
    listed = ", ".join(f"cast({quoted(name)} as {kind}) as {quoted(name)}" for name, kind in columns.items())
    parts = [f"select {listed}{more} from parquet.{quoted(str(path))}" for path, more in selects]
    if not parts:
        nulls = ", ".join(f"cast(null as {kind}) as {quoted(name)}" for name, kind in columns.items())
        parts = [f"select {nulls} where 1 = 0"]
    return f"create or replace view {relation} as {' union all '.join(parts)}"


def source_view(source: Source, rows: Sequence[tuple[Vintage, Path]]) -> str:
    """Return the SQL of the view `raw.<source>` on the rows of its vintages."""
    columns = {**dict.fromkeys(source.columns, "string"), "_file": "string", "_row": "bigint"}
    if not rows:
        columns["vintage"] = "string"
    return files_view(
        f"raw.{quoted(source.name)}",
        columns,
        [(path, f", {literal(vintage.id)} as vintage") for vintage, path in rows],
    )


def staged_view(source: str, files: Sequence[Path]) -> str:
    """Return the SQL of the view `staging.stg_<source>` on its staged observations."""
    columns = {name: spark_type(kind) for name, kind in OBSERVATION_COLUMNS.items()}
    return files_view(f"staging.stg_{source}", columns, [(path, "") for path in files])


def spark_type(kind: str) -> str:
    """Return Spark's name of a type of DuckDB."""
    return {"varchar": "string"}.get(kind.lower(), kind.lower())


def landing_views(loaded: Path, directory: Path) -> list[str]:
    """Write the tables of schema `raw` of a build's file to Parquet; return the SQL of views on them."""
    directory.mkdir(parents=True, exist_ok=True)
    statements = []
    with connect(loaded, read_only=True) as db:
        for table in RAW_TABLES:
            file = directory / f"{table}.parquet"
            db.execute(f"copy raw.{table} to {literal(file)} (format parquet)")
            described = db.execute(f"describe raw.{table}").fetchall()
            columns = {name: spark_type(kind) for name, kind, *_ in described}
            statements.append(files_view(f"raw.{table}", columns, [(file, "")]))
    return statements


def relations(
    loaded: Path,
    sources: Mapping[str, Source],
    rows: Sequence[tuple[Vintage, Path]],
    staged: Mapping[tuple[str, str], Path] | None,
    directory: Path,
) -> list[str]:
    """Return the SQL of the relations that dbt reads: schema `raw`, and the staged files if they are given.

    `loaded` is the build's file with schema `raw`, `rows` pairs each vintage with the Parquet file of its
    rows; those that the build does not load, since it knows their revisions, are left out. The tables of
    `raw` are written to `directory`.
    """
    statements = landing_views(loaded, directory)
    with connect(loaded, read_only=True) as db:
        used = set(db.execute("select source, vintage from raw.landing_vintage where is_loaded").fetchall())
    loaded_rows = [(one, path) for one, path in rows if (one.source, one.id) in used]
    for source in sources.values():
        of_source = [(one, path) for one, path in loaded_rows if one.source == source.name]
        statements.append(source_view(source, of_source))
        if staged is not None:
            statements.append(staged_view(source.name, [staged[one.source, one.id] for one, _ in of_source]))
    return statements


def transform(
    cluster: Cluster,
    statements: Sequence[str],
    excluded: Sequence[str],
    build_file: Path,
    project: Path,
    artifacts: Path,
    parsed: Path,
) -> None:
    """Build every model and run every test on Spark; write the tables into a new DuckDB file.

    `statements` create the relations that dbt reads, `excluded` are models among them. The file, its table
    functions and the documentation of dbt are as after a build on DuckDB: what follows is the same for both.
    Raises Rejected, naming the failed nodes, when a model or test fails.
    """
    directory = artifacts / "spark"
    shutil.rmtree(directory, ignore_errors=True)
    command = ["build", "--exclude-resource-type", "unit_test"]
    tables = run(
        cluster, statements, [[*command, *(("--exclude", *excluded) if excluded else ())]], directory, project
    )
    build_file.unlink(missing_ok=True)
    write_database(tables, build_file)
    functions = ("run-operation", "write_functions")
    run_dbt(
        [functions, ("docs", "generate", "--static", "--no-compile")],
        build_file.with_name(WORKING),
        project,
        artifacts,
        parsed,
    )
    write_comments(build_file, artifacts / "manifest.json")
    shutil.copyfile(directory / "run_results.json", artifacts / "run_results.json")
    shutil.rmtree(tables)


def run(
    cluster: Cluster,
    statements: Sequence[str],
    commands: Sequence[Sequence[str]],
    directory: Path,
    project: Path,
) -> Path:
    """Run commands of dbt on Spark, on the relations that statements create; return the directory of tables.

    It has the tables as `<schema>.db/<table>/*.parquet`; logs and artifacts of dbt are in `directory`. Raises
    Rejected, naming the failed nodes, or WarehouseError with the end of the output.
    """
    directory.mkdir(parents=True, exist_ok=True)
    common = [
        *("--project-dir", str(project), "--profiles-dir", str(project), "--target", "spark"),
        *("--target-path", str(directory), "--log-path", str(directory), "--no-use-colors"),
    ]
    job = directory / "job.json"
    job.write_text(
        json.dumps(
            {
                "conf": cluster.conf(directory),
                "statements": ["create schema raw", "create schema staging", *statements],
                "results": str(directory / "run_results.json"),
                "commands": [[*command, *common] for command in [["parse"], *commands]],
            }
        ),
        encoding="utf-8",
    )
    log = directory / "spark.log"
    with log.open("wb") as stream:
        code = subprocess.run(
            [str(cluster.python), "-m", JOB, str(job)],
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env=environment(cluster),
            timeout=TIMEOUT.total_seconds(),
            check=False,
        ).returncode
    if code != 0:
        failed = failed_nodes(directory, None)
        end = "; ".join(failed) or log.read_text(encoding="utf-8", errors="replace")[-1500:]
        message = f"dbt on Spark failed: {end}. Full log: {log}"
        raise Rejected(message) if failed else WarehouseError(message)
    return directory / TABLES


def write_database(tables: Path, file: Path) -> None:
    """Write the tables of a release into a new DuckDB file, their rows in the order of Spark's files."""
    with connect(file) as db:
        for schema in RELEASE_SCHEMAS:
            db.execute(f"create schema {schema}")
            for directory in sorted((tables / f"{schema}.db").iterdir()):
                parts = ", ".join(literal(part) for part in sorted(directory.glob("*.parquet")))
                relation = f"read_parquet([{parts}])"
                described = db.execute(f"describe select * from {relation}").fetchall()
                columns = ", ".join(
                    # Spark's timestamps have a zone, UTC, and DuckDB's casts of zones need an extension.
                    f'make_timestamp(epoch_us("{name}")) as "{name}"' if "ZONE" in kind else f'"{name}"'
                    for name, kind, *_ in described
                )
                db.execute(f'create table {schema}."{directory.name}" as select {columns} from {relation}')
        db.execute("checkpoint")


def write_comments(file: Path, manifest: Path) -> None:
    """Write the descriptions of tables and columns into a DuckDB file, from dbt's manifest."""
    nodes: Iterable[dict[str, Any]] = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
    with connect(file) as db:
        for node in nodes:
            if node["resource_type"] != "model" or node["schema"] not in RELEASE_SCHEMAS:
                continue
            table = f'{node["schema"]}."{node["name"]}"'
            db.execute(f"comment on table {table} is {literal(node['description'])}")
            for name, column in node["columns"].items():
                db.execute(f'comment on column {table}."{name}" is {literal(column["description"])}')
        db.execute("checkpoint")


def environment(cluster: Cluster) -> dict[str, str]:
    """Return the variables of the application: the adapter on its path, and one Python for all processes."""
    return os.environ | {
        "PYTHONPATH": os.pathsep.join((str(PROJECT_ROOT), str(ADAPTER))),
        "PYSPARK_PYTHON": str(cluster.python),
        "PYSPARK_DRIVER_PYTHON": str(cluster.python),
        "SPARK_LOCAL_IP": cluster.driver_host,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
