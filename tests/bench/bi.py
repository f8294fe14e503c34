"""Measure the questions of docs/questions under load on three stores: the script of `make bench-bi`.

    PYTHONPATH=tests python -m bench.bi sample --release var/published/latest

Clients ask all questions again and again, each in an order of its own, for some seconds:

* of the release's DuckDB file, in one process with one connection, and a cursor for each client;
* of its Parquet files, by views of a DuckDB connection, likewise;
* of PostgreSQL with its default settings, after `warehouse publish-to`, with a connection for each client.

The answers of the three must be equal before anything is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from math import isclose
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import psutil
from bench.cluster import Cluster, connect, new_cluster, running
from bench.generate import SIZES, generate, rows_of
from bench.run import Bench, run_nights, served
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from warehouse.config import PROJECT_ROOT, SAMPLE_DIR, read_settings
from warehouse.database import literal
from warehouse.publication.ddl import TYPES
from warehouse.publication.publish_to import publish_to
from warehouse.releases.manifest import read_manifest
from warehouse.releases.store import DATABASE
from warehouse.sources import batis

QUESTIONS = PROJECT_ROOT / "docs" / "questions"
CLIENTS = (1, 8, 32)
STORES = ("duckdb", "parquet", "postgres")
TOLERANCE = 1e-12
SLOWEST = 3
Rows = list[tuple[Any, ...]]
Ask = Callable[[str], Rows]
FUNCTIONS = """
select schema_name, function_name, parameters, macro_definition
from duckdb_functions()
where function_type = 'table_macro' and not internal and schema_name = 'marts'
order by function_name
"""


@dataclass(frozen=True)
class Store:
    """A store of a release: `open` gives a new connection.

    `is_shared` says whether all clients have cursors of one connection.
    """

    name: str
    open: Callable[[], Any]
    is_shared: bool


@dataclass(frozen=True)
class Load:
    """What came of some clients on a store: times of all answers in milliseconds, by question."""

    store: str
    clients: int
    seconds: float
    times_ms: dict[str, list[float]]

    @property
    def all_ms(self) -> list[float]:
        return sorted(one for times in self.times_ms.values() for one in times)

    def figures(self) -> dict[str, Any]:
        """Return percentiles and throughput, and the 95th percentile of each question."""
        times = self.all_ms
        return {
            "store": self.store,
            "clients": self.clients,
            "queries": len(times),
            "queries_per_second": len(times) / self.seconds,
            "p50_ms": percentile(times, 50),
            "p95_ms": percentile(times, 95),
            "p95_ms_by_question": {name: percentile(sorted(own), 95) for name, own in self.times_ms.items()},
        }


def percentile(times: Sequence[float], percent: int) -> float:
    """Return the nearest-rank percentile of times in ascending order."""
    return times[max(0, -(-percent * len(times) // 100) - 1)]


def questions() -> dict[str, str]:
    """Return the queries of docs/questions by the names of their files."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(QUESTIONS.glob("*.sql"))}


def ask(client: Any, sql: str) -> Rows:
    """Ask with a DuckDB connection or a cursor of either kind; return all rows."""
    client.execute(sql)
    return list(client.fetchall())


# --- the stores ------------------------------------------------------------------------------------------


def duckdb_store(release: Path) -> Store:
    """Return the store of the DuckDB file, open read-only."""
    return Store("duckdb", lambda: duckdb.connect(str(release / DATABASE), read_only=True), is_shared=True)


def parquet_store(release: Path) -> Store:
    """Return the store of the Parquet files: views with the names of the tables, and the table functions."""
    tables = read_manifest(release).tables
    with duckdb.connect(str(release / DATABASE), read_only=True) as db:
        functions = db.execute(FUNCTIONS).fetchall()

    def open_new() -> duckdb.DuckDBPyConnection:
        db = duckdb.connect()
        for schema in sorted({entry.schema_name for entry in tables.values()}):
            db.execute(f"create schema if not exists {schema}")
        for name, entry in tables.items():
            file = literal(release / "parquet" / f"{name}.parquet")
            db.execute(f"create view {entry.schema_name}.{name} as select * from read_parquet({file})")
        for schema, name, parameters, definition in functions:
            db.execute(f"create macro {schema}.{name}({', '.join(parameters)}) as table {definition}")
        return db

    return Store("parquet", open_new, is_shared=True)


@contextmanager
def postgres_store(release: Path) -> Iterator[Store]:
    """Publish the release to a new cluster, and start the server again, so that its buffers are empty."""
    with new_cluster() as cluster:
        with running(cluster), TemporaryDirectory(prefix="bench-home-") as home:
            copy = Path(home) / "published" / release.name
            copy.mkdir(parents=True)
            for path in release.iterdir():
                (copy / path.name).symlink_to(path)
            (copy.parent / "latest").symlink_to(release.name)
            publish_to(read_settings(home=home, operator="bench"), cluster.address)
            create_functions(cluster, release)
        with running(cluster):
            yield Store("postgres", lambda: connect(cluster), is_shared=False)


def create_functions(cluster: Cluster, release: Path) -> None:
    """Create the table functions of `marts` in PostgreSQL: `publish-to` copies tables only."""
    with duckdb.connect(str(release / DATABASE), read_only=True) as db, closing(connect(cluster)) as server:
        for schema, name, parameters, definition in db.execute(FUNCTIONS).fetchall():
            years = ", ".join("2015" for _ in parameters)
            columns = db.execute(f"describe select * from {schema}.{name}({years})").fetchall()
            kinds = ", ".join(f'"{column[0]}" {TYPES[column[1]]}' for column in columns)
            arguments = ", ".join(f"{parameter} integer" for parameter in parameters)
            with server.cursor() as cursor:
                cursor.execute(f"create type {schema}.{name}_row as ({kinds})")
                query = definition.replace("main.date_part", "date_part")
                cursor.execute(
                    f"create function {schema}.{name}({arguments}) returns setof {schema}.{name}_row "
                    f"language sql stable as $body$ {query} $body$"
                )


# --- answers and times -----------------------------------------------------------------------------------


def require_equal(name: str, expected: Rows, found: Rows, store: str) -> None:
    """Raise AssertionError when an answer differs from that of the DuckDB file by more than TOLERANCE."""
    if len(found) != len(expected):
        raise AssertionError(f"{name}: {store} gives {len(found)} rows, duckdb {len(expected)}")
    for row, (one, other) in enumerate(zip(expected, found, strict=True)):
        if len(one) != len(other) or not all(map(is_equal, one, other)):
            raise AssertionError(f"{name}, row {row}: {store} gives {other}, duckdb {one}")


def is_equal(one: Any, other: Any) -> bool:
    numbers = (int, float, Decimal)
    if isinstance(one, numbers) and isinstance(other, numbers):
        return isclose(one, other, rel_tol=TOLERANCE)
    return bool(one == other)


def first_times_ms(store: Store, sqls: dict[str, str]) -> list[float]:
    """Return the milliseconds from opening the store to the first answer, for each question."""
    times = []
    for sql in sqls.values():
        began = time.perf_counter()
        with closing(store.open()) as opened:
            ask(opened.cursor(), sql)
        times.append(1000 * (time.perf_counter() - began))
    return times


def run_load(store: Store, clients: int, seconds: float, sqls: dict[str, str]) -> Load:
    """Let clients ask until the time is over, each all the questions at least once."""
    with ExitStack() as closed:
        connections = [
            closed.enter_context(closing(store.open())) for _ in range(1 if store.is_shared else clients)
        ]
        opened = [connections[number % len(connections)].cursor() for number in range(clients)]
        return _run_clients(store.name, opened, seconds, sqls)


def _run_clients(store: str, opened: Sequence[Any], seconds: float, sqls: dict[str, str]) -> Load:
    start = threading.Barrier(len(opened))

    def run(number: int) -> list[tuple[str, float]]:
        order = random.Random(number)
        names = list(sqls)
        found: list[tuple[str, float]] = []
        start.wait()
        deadline = time.perf_counter() + seconds
        while not found or time.perf_counter() < deadline:
            order.shuffle(names)
            for name in names:
                began = time.perf_counter()
                ask(opened[number], sqls[name])
                found.append((name, 1000 * (time.perf_counter() - began)))
        return found

    began = time.perf_counter()
    with ThreadPoolExecutor(len(opened)) as threads:
        answers = list(threads.map(run, range(len(opened))))
    elapsed = time.perf_counter() - began
    times: dict[str, list[float]] = {name: [] for name in sqls}
    for name, one in (answer for own in answers for answer in own):
        times[name].append(one)
    return Load(store, len(opened), elapsed, times)


# --- a run -----------------------------------------------------------------------------------------------


def measure_store(
    store: Store, sqls: dict[str, str], expected: dict[str, Rows], clients: Sequence[int], seconds: float
) -> tuple[dict[str, Rows], list[float], list[Load]]:
    """Return the answers of a store, the times of first answers, and what came of the numbers of clients.

    Raises AssertionError when an answer differs from the expected one.
    """
    first = first_times_ms(store, sqls)
    with closing(store.open()) as opened:
        answers = {name: ask(opened.cursor(), sql) for name, sql in sqls.items()}
    for name, rows in expected.items():
        require_equal(name, rows, answers[name], store.name)
    return answers, first, [run_load(store, count, seconds, sqls) for count in clients]


def run(release: Path, stores: Sequence[str], clients: Sequence[int], seconds: float) -> dict[str, Any]:
    """Measure the stores of a release; print the table; return the figures."""
    console = Console(width=max(Console().width, 130))
    sqls = questions()
    expected: dict[str, Rows] = {}
    loads: list[Load] = []
    firsts: dict[str, list[float]] = {}
    with ExitStack() as stack:
        for name in stores:
            match name:
                case "duckdb":
                    store = duckdb_store(release)
                case "parquet":
                    store = parquet_store(release)
                case _:
                    store = stack.enter_context(postgres_store(release))
            answers, firsts[name], found = measure_store(store, sqls, expected, clients, seconds)
            expected = expected or answers
            loads += found
    rows = sum(entry.rows for entry in read_manifest(release).tables.values())
    title = (
        f"{len(sqls)} questions, release {release.name} with {rows} rows in all tables; "
        f"{os.cpu_count()} cores, {psutil.virtual_memory().total / (1 << 30):.0f} GiB; "
        f"{datetime.now(UTC):%Y-%m-%d}"
    )
    figures = [load.figures() for load in loads]
    console.print(table_of(figures, firsts, title))
    for one in figures:
        slowest = sorted(one["p95_ms_by_question"].items(), key=lambda entry: -entry[1])[:SLOWEST]
        names = ", ".join(f"{name} {time:.0f} ms" for name, time in slowest)
        console.print(f"Slowest of {one['store']}, {one['clients']} clients: {names}")
    return {
        "release": release.name,
        "rows": rows,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cores": os.cpu_count(),
            "memory_bytes": psutil.virtual_memory().total,
            "platform": platform.platform(),
            "load_average": os.getloadavg(),
        },
        "first_ms": firsts,
        "loads": figures,
    }


def table_of(figures: Sequence[dict[str, Any]], firsts: dict[str, list[float]], title: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("store")
    for name in ("clients", "queries", "queries/s", "p50 ms", "p95 ms", "first answer ms, median", "most"):
        table.add_column(name, justify="right")
    for one in figures:
        first = firsts[one["store"]]
        table.add_row(
            one["store"],
            str(one["clients"]),
            str(one["queries"]),
            f"{one['queries_per_second']:.0f}",
            f"{one['p50_ms']:.1f}",
            f"{one['p95_ms']:.1f}",
            *((f"{median(first):.0f}", f"{max(first):.0f}") if one["clients"] == 1 else ("", "")),
        )
    return table


@contextmanager
def release_of(size: str, release: Path | None) -> Iterator[Path]:
    """Give the release to ask: the given one, that of WAREHOUSE_HOME, or one of a synthetic edition.

    Raises SystemExit when there is none.
    """
    if release or size == "sample":
        found = (release or read_settings().published / "latest").resolve()
        if not (found / DATABASE).is_file():
            sys.exit(f"{found}: there is no release. Make one: make run")
        yield found
        return
    with TemporaryDirectory(prefix="bench-bi-") as directory:
        work = Path(directory)
        mirror = work / "mirror"
        mirror.mkdir()
        (work / "home").mkdir()
        for night in ("night-1", "night-2"):
            (mirror / night).symlink_to(SAMPLE_DIR / night)
        generate(rows_of(size), mirror / batis.ARCHIVE)
        with served(mirror) as address:
            [night] = run_nights(Bench(work, address), 1)
        assert night.release
        yield night.release


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure the questions of docs/questions under load.")
    parser.add_argument("size", help=f"sample (the release of `make run`), rows, or of {', '.join(SIZES)}")
    parser.add_argument("--release", type=Path, metavar="DIR", help="ask this release, and make none")
    parser.add_argument("--stores", nargs="+", choices=STORES, default=list(STORES))
    parser.add_argument("--clients", nargs="+", type=int, default=list(CLIENTS))
    parser.add_argument("--seconds", type=float, default=20, help="of each load (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    options = parser.parse_args(arguments)
    with release_of(options.size, options.release) as release:
        figures = run(release, options.stores, options.clients, options.seconds)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
