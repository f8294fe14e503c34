"""Compare the warehouse with other tools on the same CSV and the same mart: the script of `make bench-peers`.

    PYTHONPATH=tests python -m bench.peers --python .venv-peers/bin/python 1million 5million

Each tool reads the synthetic edition of `bench.generate` and makes a table of each reporter, flow, item, year
and partner with the balanced value, its share of the reporter's world row, its growth on the year before, and
the partner's rank. The results are compared row by row with those of the DuckDB script. Each tool runs in
processes of its own, with a limit of memory and of time; one that does not finish is not run at larger sizes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import zipfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import psutil
import yaml
from bench.cluster import connect, new_cluster, running
from bench.generate import MEMBER, SEED, SIZES, generate, rows_of
from bench.measure import Usage, measure
from bench.run import MEBIBYTE, Bench, served, write_index
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from warehouse.config import DBT_PROJECT_DIR, SAMPLE_DIR
from warehouse.sources import batis

# The tools, by the name of each on the command line. The first is what the others are compared with.
TITLES = {
    "duckdb": "DuckDB script",
    "floor": "floor of `make bench`",
    "pandas": "pandas",
    "polars": "Polars",
    "dlt": "dlt, dbt-duckdb",
    "postgres": "PostgreSQL copy, dbt-postgres",
    "warehouse": "this warehouse",
}
REFERENCE = "duckdb"
KEY = ("reporter", "flow", "item", "year", "partner")
TOLERANCE = 1e-12
GIBIBYTE = 1 << 30
TIME_IS_OVER = (124, 137)  # exit codes of `timeout`
# What the tools write when memory is short.
NO_MEMORY = (
    "MemoryError",
    "bad_alloc",
    "memory allocation of",
    "Out of Memory",
    "out of memory",
    "Cannot alloc",
)
ECONOMIES = """
copy (
    select codes.code, names.economy, names.economy_type in ('economy', 'dissolved') as is_economy
    from read_csv('{seeds}/economy_code.csv', all_varchar = true, header = true) as codes
    inner join read_csv('{seeds}/economies.csv', all_varchar = true, header = true) as names using (economy)
    where codes.scheme = 'batis'
    order by codes.code
) to '{file}' (format csv, header)
"""
# The marts of the warehouse and of the floor have these columns under other names, and other rows.
OF_THE_WAREHOUSE = """
select
    reporter, case flow when 'exports' then 'EXP' else 'IMP' end as flow, service as item,
    year(period_start) as year, partner, value_million as value, share_pct, growth_pct, partner_rank
from {relation}
where value_type = 'balanced' and {condition}
"""
DIFFERENCE = "create macro difference(a, b) as case when b = 0 then abs(a) else abs(a / b - 1) end"
# Growth is compared as a ratio of the two values: the difference of two close values has fewer right digits.
COMPARISON = """
with reference as (select *, true as is_there from {reference}),
found as (select *, true as is_there from {found}),

compared as (
    select
        reference.is_there and found.is_there as is_in_both,
        difference(found.value, reference.value) as value,
        difference(found.share_pct, reference.share_pct) as share_pct,
        abs(found.growth_pct - reference.growth_pct) / (100 + reference.growth_pct) as growth_pct,
        (found.share_pct is null) <> (reference.share_pct is null)
        or (found.growth_pct is null) <> (reference.growth_pct is null)
        or found.partner_rank is distinct from reference.partner_rank as differs
    from reference full join found using ({key})
)

select
    count(*),
    count(*) filter (where is_in_both is distinct from true),
    count(*) filter (where differs),
    coalesce(max(greatest(value, share_pct, growth_pct)), 0)
from compared
"""


@dataclass(frozen=True)
class Limits:
    """What a tool may use: bytes of memory of one process, and seconds of one command."""

    memory_bytes: int
    seconds: int

    def command(self, *command: str) -> tuple[str, ...]:
        """Return a command that runs under these limits."""
        # -d and not -v: address space that is reserved and not used does not count
        script = 'ulimit -d "$0" && exec "$@"'
        limited = ("sh", "-c", script, str(self.memory_bytes // 1024), *command)
        return ("timeout", "--kill-after=30", str(self.seconds), *limited)

    @property
    def env(self) -> dict[str, str]:
        """Return the limit of DuckDB, below that of the process; else it takes 80 % of the machine."""
        return {"PEER_DUCKDB_MEMORY": f"{self.memory_bytes * 3 // 4 // MEBIBYTE}MiB"}


@dataclass(frozen=True)
class Result:
    """What a tool used, and the query of its result; tables are in `database`, attached as `peer`, if any.

    `mart_seconds` are those of the model of this mart alone, where the tool makes others too.
    """

    usages: tuple[Usage, ...]
    query: str
    database: Path | None = None
    mart_seconds: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a tool at a size: its figures, or why it did not finish (`unfinished`).

    `seconds` and `cpu_seconds` are medians of the runs, `peak_bytes` the largest memory of all processes at
    one time, `difference` the largest relative difference from the result of the reference.
    """

    tool: str
    runs: int = 0
    seconds: float = 0
    cpu_seconds: float = 0
    peak_bytes: int = 0
    difference: float = 0
    mart_seconds: float | None = None
    unfinished: str = ""


@dataclass(frozen=True)
class Race:
    """The inputs of a size, with the directory of the results, the Python of the peers, and the limits."""

    bench: Bench
    rows: int
    edition: Path
    economies: Path
    python: Path
    limits: Limits

    def out(self, tool: str) -> Path:
        return self.bench.work / tool

    def measure(self, tool: str, *command: str) -> Usage:
        """Run a command under the limits; raise RuntimeError when it fails."""
        quiet = {"RUNTIME__DLTHUB_TELEMETRY": "false", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
        env = {**self.bench.env, **quiet, **self.limits.env}
        log = self.bench.work / f"{tool}.log"
        log.unlink(missing_ok=True)
        return measure(tool, self.limits.command(*command), env, self.out(tool), log)[0]


def run_tool(race: Race, tool: str) -> Result:
    """Run a tool in its own empty directory."""
    out = race.out(tool)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    inputs = (str(race.edition), str(race.economies))
    recipe = (str(race.python), "-m", f"bench.recipes.with_{tool}", *inputs)
    match tool:
        case "floor":
            usage = race.measure(tool, sys.executable, "-m", "bench.floor", inputs[0], str(out), threads())
            relation = f"'{out}/mart_trade_partner.parquet'"
            return Result((usage,), OF_THE_WAREHOUSE.format(relation=relation, condition="true"))
        case "dlt":
            usage = race.measure(tool, *recipe, str(out))
            return Result((usage,), "select * from peer.marts.partner_mart", out / "peer.duckdb")
        case "postgres":
            return run_postgres(race, recipe)
        case "warehouse":
            return run_warehouse(race)
        case _:
            usage = race.measure(tool, *recipe, str(out / "mart.parquet"))
            return Result((usage,), f"select * from '{out}/mart.parquet'")


def run_postgres(race: Race, recipe: Sequence[str]) -> Result:
    """Run the recipe on a new cluster, then write its mart to a CSV file, which is not measured."""
    out = race.out("postgres")
    mart = out / "mart.csv"
    with new_cluster() as cluster:
        usage = race.measure("postgres", *recipe, str(out), cluster.to_json())
        copy = "copy marts.partner_mart to stdout (format csv, header)"
        with running(cluster), closing(connect(cluster)) as server, mart.open("wb") as file:
            server.cursor().copy_expert(copy, file)
    return Result((usage,), f"select * from read_csv('{mart}', header = true, sample_size = -1)")


def run_warehouse(race: Race) -> Result:
    """Run a night with no source but the edition, up to the end of `transform`."""
    write_index(race.bench.mirror, "night-2")
    python, step = (sys.executable, "-m"), (sys.executable, "-m", "bench.step")
    usages = [race.measure("warehouse", *python, "warehouse", "fetch", batis.NAME)]
    usages.append(race.measure("warehouse", *step, "load"))
    [build] = [path for path in (race.bench.home / "build").iterdir() if path.is_dir()]
    usages.append(race.measure("warehouse", *step, "transform", build.name))
    condition = f"source = '{batis.NAME}'"
    query = OF_THE_WAREHOUSE.format(relation="peer.marts.mart_trade_partner", condition=condition)
    [mart] = [seconds for name, seconds in node_seconds(build) if name.endswith(".mart_trade_partner")]
    return Result(tuple(usages), query, build / "warehouse.duckdb", mart)


def node_seconds(build: Path) -> list[tuple[str, float]]:
    """Return the nodes that dbt ran in a build, with the seconds of each."""
    [file] = build.rglob("run_results.json")
    records = json.loads(file.read_text(encoding="utf-8"))["results"]
    return [(one["unique_id"], one["execution_time"]) for one in records]


def threads() -> str:
    """Return the threads that dbt's profile states, which the floor has too."""
    profile = yaml.safe_load((DBT_PROJECT_DIR / "profiles.yml").read_text(encoding="utf-8"))
    return str(profile["services_trade"]["outputs"]["build"]["threads"])


def compare(reference: Result, found: Result) -> float:
    """Return the largest relative difference between two results.

    Raises AssertionError when their keys, nulls or ranks differ, or a figure by more than TOLERANCE.
    """
    with duckdb.connect() as db:
        db.execute(DIFFERENCE)
        if found.database:
            db.execute(f"attach '{found.database}' as peer (read_only)")
        parts = {"reference": f"({reference.query})", "found": f"({found.query})", "key": ", ".join(KEY)}
        [(rows, unpaired, differing, largest)] = db.execute(COMPARISON.format(**parts)).fetchall()
    if not rows or unpaired or differing or not largest <= TOLERANCE:
        raise AssertionError(
            f"of {rows} rows {unpaired} are in one result only, {differing} differ in nulls or ranks; the "
            f"largest relative difference of a figure is {largest}, the tolerance {TOLERANCE}"
        )
    return float(largest)


def reason_of(error: RuntimeError, limits: Limits) -> str:
    """Return why a tool did not finish; raise the error again when that is none of the limits."""
    text = str(error)
    if any(f"exit code {code}:" in text for code in TIME_IS_OVER):
        return f"time limit of {limits.seconds} s"
    if any(one in text for one in NO_MEMORY):
        return f"memory limit of {limits.memory_bytes / GIBIBYTE:g} GiB"
    raise error


def outcome_of(race: Race, tool: str, runs: int, reference: Result | None) -> tuple[Outcome, Result | None]:
    """Run a tool and compare its result with the reference; return its result too, if it finished."""
    results = []
    try:
        for _ in range(runs):
            results.append(run_tool(race, tool))
    except RuntimeError as error:
        return Outcome(tool, unfinished=reason_of(error, race.limits)), None
    wall = [sum(usage.seconds for usage in result.usages) for result in results]
    cpu = [sum(usage.cpu_seconds for usage in result.usages) for result in results]
    peaks = [max(one.peak_tree_bytes, one.peak_rss_bytes) for result in results for one in result.usages]
    outcome = Outcome(
        tool,
        runs=runs,
        seconds=statistics.median(wall),
        cpu_seconds=statistics.median(cpu),
        peak_bytes=max(peaks),
        difference=compare(reference or results[-1], results[-1]),
        mart_seconds=results[-1].mart_seconds,
    )
    return outcome, results[-1]


def run_size(race: Race, tools: Sequence[str], runs: int, console: Console) -> list[Outcome]:
    """Run the tools at a size; print the table of the size."""
    outcomes: list[Outcome] = []
    reference = None
    for tool in tools:
        # The night is not repeated: the second one would find nothing new.
        outcome, result = outcome_of(race, tool, 1 if tool == "warehouse" else runs, reference)
        outcomes.append(outcome)
        reference = reference or result  # the first that finishes
        if result is not reference:
            shutil.rmtree(race.out(tool))
    console.print(table_of(race, outcomes))
    for one in outcomes:
        if one.unfinished:
            console.print(f"{TITLES[one.tool]} did not finish: {one.unfinished}.")
        if one.mart_seconds is not None:
            console.print(f"Of {TITLES[one.tool]}, the model of this mart took {one.mart_seconds:.1f} s.")
    return outcomes


def table_of(race: Race, outcomes: Sequence[Outcome]) -> Table:
    title = (
        f"Synthetic BaTiS, {race.rows} rows, CSV of {race.edition.stat().st_size / MEBIBYTE:.0f} MiB; "
        f"{os.cpu_count()} cores, {psutil.virtual_memory().total / GIBIBYTE:.0f} GiB; limits: "
        f"{race.limits.memory_bytes / GIBIBYTE:g} GiB, {race.limits.seconds} s; {datetime.now(UTC):%Y-%m-%d}"
    )
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("tool")
    for name in ("runs", "wall s", "CPU s", "peak MiB", "wall, ratio", "CPU, ratio", "largest difference"):
        table.add_column(name, justify="right")
    reference = outcomes[0]
    for one in outcomes:
        if one.unfinished:
            table.add_row(TITLES[one.tool], "–")  # the reason is printed below
            continue
        table.add_row(
            TITLES[one.tool],
            str(one.runs),
            f"{one.seconds:.1f}",
            f"{one.cpu_seconds:.1f}",
            f"{one.peak_bytes / MEBIBYTE:.0f}",
            "" if reference.unfinished else f"{one.seconds / reference.seconds:.1f}",
            "" if reference.unfinished else f"{one.cpu_seconds / reference.cpu_seconds:.1f}",
            f"{one.difference:.0e}",
        )
    return table


def run(
    sizes: Sequence[int], tools: Sequence[str], runs: int, python: Path, limits: Limits, work: Path
) -> dict[str, Any]:
    """Run the tools at each size, the smallest first; print the tables; return the figures."""
    console = Console(width=max(Console().width, 130))
    results: dict[int, list[Outcome]] = {}
    left = list(tools)
    for rows in sorted(sizes):
        directory = work / str(rows)
        mirror = directory / "mirror"
        mirror.mkdir(parents=True)
        (directory / "home").mkdir()
        for night in ("night-1", "night-2"):
            (mirror / night).symlink_to(SAMPLE_DIR / night)
        generate(rows, mirror / batis.ARCHIVE)
        with zipfile.ZipFile(mirror / batis.ARCHIVE) as packed:
            edition = Path(packed.extract(MEMBER, directory))
        economies = directory / "economies.csv"
        with duckdb.connect() as db:
            db.execute(ECONOMIES.format(seeds=DBT_PROJECT_DIR / "seeds", file=economies))
        with served(mirror) as address:
            race = Race(Bench(directory, address), rows, edition, economies, python, limits)
            results[rows] = run_size(race, left, runs, console)
        shutil.rmtree(directory)
        left = [one.tool for one in results[rows] if not one.unfinished]
    largest = {
        tool: max((rows for rows, found in results.items() for one in found
                   if one.tool == tool and not one.unfinished), default=0)
        for tool in tools
    }  # fmt: skip
    for tool, rows in largest.items():
        console.print(f"The largest of these sizes that {TITLES[tool]} finishes: {rows or 'none'}")
    return {
        "seed": SEED,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cores": os.cpu_count(),
            "memory_bytes": psutil.virtual_memory().total,
            "platform": platform.platform(),
            "load_average": os.getloadavg(),
        },
        "limits": asdict(limits),
        "sizes": {str(rows): [asdict(one) for one in found] for rows, found in results.items()},
        "largest_size": largest,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Compare the warehouse with other tools on one mart.")
    parser.add_argument("sizes", nargs="+", help=f"rows: numbers, or of {', '.join(SIZES)}")
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="of the peers' environment")
    parser.add_argument("--tools", nargs="+", choices=TITLES, default=list(TITLES), help="run only these")
    parser.add_argument("--runs", type=int, default=1, help="of each tool but the warehouse; medians count")
    parser.add_argument(
        "--memory-gib", type=float, default=8, help="limit of a process (default: %(default)s)"
    )
    parser.add_argument("--seconds", type=int, default=3600, help="limit of a command (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    options = parser.parse_args(arguments)
    tools = [tool for tool in TITLES if tool in {REFERENCE, *options.tools}]
    limits = Limits(int(options.memory_gib * GIBIBYTE), options.seconds)
    # Not resolved: the Python of a virtual environment is a link.
    python = Path.cwd() / options.python
    with TemporaryDirectory(prefix="bench-peers-") as work:
        figures = run(
            [rows_of(size) for size in options.sizes], tools, options.runs, python, limits, Path(work)
        )
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
