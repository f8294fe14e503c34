"""Run the nightly load through Airflow in one process: the script behind `make run`.

Each night is one run of `ingest_<source>` for each of its sources. After the last night there is one run of
`publish`, as the scheduler publishes once what lands together: a release has all vintages, and a build for
each night would double the time. The runs are those of `dag.test()`, with SQLite metadata in `var/airflow`.
A source that fails stops no other; the exit code is 1 if any task failed. Tasks are not retried: a person is
waiting, and `fetch` retries by itself.

`WAREHOUSE_MIRROR` gives the nights: a directory of recorded nights (`night-*`) is replayed in order, each
source in the nights that have an answer for it; a mirror (a directory with `index.json`, or an HTTP address)
is one night; empty is one night at the publishers. Airflow's log goes to `var/airflow/logs/nightly.log`.
"""

from __future__ import annotations

import gc
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_airflow import DAGS, migrate, offer_newest_api, use_local_airflow
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from warehouse.config import Settings, load_settings
from warehouse.model import Source, first_request

LATEST_PERIODS = 3
WIDTH = 120
REASON_LIMIT = 600
BUNDLE = "dags-folder"  # Airflow's name of the bundle of the DAG folder
LOCAL_BUNDLE = "airflow.dag_processing.bundles.local.LocalDagBundle"


@dataclass(frozen=True)
class Night:
    """One night to run: the mirror that answers for the publishers, and the sources to fetch."""

    title: str
    mirror: str
    sources: tuple[str, ...]


@dataclass
class Progress:
    """Prints a line for each task that ends, and counts failures and releases."""

    console: Console
    status: Any = None
    failures: list[str] = field(default_factory=list)
    vintages: int = 0
    releases: int = 0
    on_first_vintage: Callable[[], object] = lambda: None
    started: float = 0

    def begin(self, context: Any) -> None:
        """Show the task that runs now."""
        self.started = time.monotonic()
        if self.status:
            self.status.update(f"{task_name(context)} …")

    def end(self, context: Any, mark: str, note: str) -> None:
        """Print the line of a task that ended."""
        seconds = time.monotonic() - self.started
        line = f"  {mark} {task_name(context):<26} {seconds:5.1f} s  {note}"
        self.console.print(line, highlight=False, soft_wrap=True)

    def succeeded(self, context: Any) -> None:
        """Print a success, with the vintage or the release that the task made."""
        instance = context["task_instance"]
        made = instance.xcom_pull(task_ids=instance.task_id)
        if made is None:
            self.skipped(context)
            return
        if instance.task_id == "ingest" and not self.vintages:
            self.on_first_vintage()
        self.vintages += instance.task_id == "ingest"
        self.releases += instance.task_id == "publish"
        noun = {"ingest": "vintage", "publish": "release"}.get(instance.task_id)
        self.end(context, "[green]✓[/]", f"{noun} {escape(str(made))}" if noun else "")

    def skipped(self, context: Any) -> None:
        """Print a skip: nothing was new. Without a place to copy to there is nothing to say."""
        if context["task_instance"].task_id in ("publish_to", "push_objects"):
            return
        self.end(context, "[dim]-[/]", "[dim]nothing new[/]")

    def failed(self, context: Any) -> None:
        """Print a failure with the beginning of its reason."""
        self.failures.append(task_name(context))
        reason = str(context.get("exception"))
        shown = reason if len(reason) <= REASON_LIMIT else f"{reason[:REASON_LIMIT]} … (more in the log)"
        self.end(context, "[red]✗[/]", f"[red]{escape(shown)}[/]")


def task_name(context: Any) -> str:
    """Return the short name of a task: `safe_bop: ingest`."""
    instance = context["task_instance"]
    return f"{instance.dag_id.removeprefix('ingest_')}: {instance.task_id}"


def load_dags(progress: Progress) -> dict[str, Any]:
    """Parse the DAG folder; report every task to `progress`, and retry none.

    The DAGs are written to the metadata here, once. `dag.test()` would read its bundle again for each run and
    write all DAGs of it, which takes longer than the run of a source without news: it finds an empty one.
    """
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db

    bag = BundleDagBag(dag_folder=str(DAGS), bundle_path=DAGS, bundle_name=BUNDLE)
    if bag.import_errors:
        raise SystemExit("\n".join(f"{file}: {error}" for file, error in bag.import_errors.items()))
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(bag, BUNDLE, None)
    empty = Path(os.environ["AIRFLOW_HOME"]) / "empty_bundle"
    empty.mkdir(exist_ok=True)
    os.environ["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = json.dumps(
        [{"name": BUNDLE, "classpath": LOCAL_BUNDLE, "kwargs": {"path": str(empty)}}]
    )
    for dag in bag.dags.values():
        # Only a scheduler checks deadlines. In Airflow 3.3.2 `dag.test()` ends with an error if there is one.
        dag.deadline = None
    for task in [task for dag in bag.dags.values() for task in dag.tasks]:
        task.retries = 0
        task.on_execute_callback = [progress.begin, *task.on_execute_callback]
        task.on_success_callback = [progress.succeeded, *task.on_success_callback]
        task.on_skipped_callback = [progress.skipped, *task.on_skipped_callback]
        task.on_failure_callback = [progress.failed, *task.on_failure_callback]
    return dict(bag.dags)


# --- nights ---


def nights(mirror: str, sources: dict[str, Source]) -> list[Night]:
    """Return the nights of a mirror, oldest first. Exits with a message if it is none."""
    every = tuple(sources)
    if not mirror:
        return [Night("at the publishers", "", every)]
    if mirror.startswith(("http://", "https://")):
        title = re.sub(r"//[^/]*@", "//***@", mirror)  # without its password
        return [Night(title, mirror, every)]
    root = Path(mirror).resolve()
    folders = sorted(path for path in root.glob("night-*") if path.is_dir())
    if not folders:
        if not (root / "index.json").exists():
            raise SystemExit(f"{root}: neither a mirror (no index.json) nor a folder of nights (no night-*).")
        return [Night(root.name, str(root), every)]
    return [recorded_night(folder, sources) for folder in folders]


def recorded_night(folder: Path, sources: dict[str, Source]) -> Night:
    """Return one recorded night, with the sources whose first request it can answer."""
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    addresses = {answer["address"] for answer in index["answers"]}
    held = tuple(
        name for name, source in sources.items() if first_request(source.plan()).address in addresses
    )
    if not held:
        raise SystemExit(f"{folder}: its index.json has an answer for none of {', '.join(sources)}.")
    return Night(f"{folder.name}: {index.get('description') or index['name']}", str(folder), held)


def record_unrecorded(settings: Settings, plan: list[Night], sources: dict[str, Source]) -> None:
    """Record that the sources which no night can answer are not configured: they cost no task."""
    from warehouse.build import steps

    recorded = {name for night in plan for name in night.sources}
    folders = " and ".join(night.mirror for night in plan)
    for name in sources:
        if name not in recorded:
            steps.record_not_configured(settings, name, f"{name}: {folders} have no recording of it")


def run_nights(
    plan: list[Night],
    dags: dict[str, Any],
    progress: Progress,
    before_publish: Callable[[], object] = lambda: None,
) -> None:
    """Run the ingest DAG of each source of each night, then `before_publish`, then the publish DAG once."""
    for night in plan:
        os.environ["WAREHOUSE_MIRROR"] = night.mirror
        progress.console.print(f"[bold]{escape(night.title)}[/]", highlight=False, soft_wrap=True)
        for name in night.sources:
            run_dag(f"ingest_{name}", dags, progress)
    if len(plan) > 1:
        progress.console.print("[bold]One release of these nights[/]", highlight=False)
    before_publish()
    run_dag("publish", dags, progress)


def run_dag(dag_id: str, dags: dict[str, Any], progress: Progress) -> None:
    """Run a DAG once. A run that failed in none of its tasks is a failure of the DAG."""
    before = len(progress.failures)
    run = dags[dag_id].test()
    if str(run.state) == "failed" and len(progress.failures) == before:
        progress.failures.append(dag_id)
        progress.console.print(f"  [red]✗ {dag_id}: the run ended as {run.state}[/]", highlight=False)


# --- the result ---


def china_years(database: Path) -> Table:
    """Return China's services trade of the latest years, by source, from the database of a release."""
    rows = rows_of(
        database,
        f"""
        select source, period_label, vintage, exports_million, imports_million, balance_million,
               world_export_share_pct, world_import_share_pct, world_rank
        from marts.mart_trade_scale
        where reporter = 'CHN' and frequency = 'A' and currency = 'USD' and exports_million is not null
        qualify dense_rank() over (partition by source order by period_label desc) <= {LATEST_PERIODS}
        order by source, period_label
        """,
    )
    figures = {"exports": 0, "imports": 0, "balance": 0, "% exports": 2, "% imports": 2, "rank": 0}
    return table_of(
        "China: trade in services, in million US dollars and in % of the world", "year", figures, rows
    )


def china_periods(database: Path) -> Table:
    """Return China's services trade of the latest quarters and months, in dollars where a source has them."""
    rows = rows_of(
        database,
        f"""
        select source, period_label || ' ' || currency, vintage,
               exports_million, imports_million, balance_million, exports_growth_pct, imports_growth_pct
        from marts.mart_trade_scale
        where
            reporter = 'CHN' and frequency in ('Q', 'M') and currency in ('CNY', 'USD')
            and exports_million is not null
        qualify
            (currency = 'USD' or not bool_or(currency = 'USD') over (partition by source, frequency))
            and dense_rank() over (
                partition by source, frequency, currency order by period_label desc
            ) <= {LATEST_PERIODS}
        order by source, frequency, period_label
        """,
    )
    figures = {"exports": 0, "imports": 0, "balance": 0, "% exports": 1, "% imports": 1}
    return table_of(
        "China: newest quarters and months, in millions, and growth on the year in %", "period", figures, rows
    )


def rows_of(database: Path, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query on a release: source, period, vintage, and figures.

    It has no parameters: to bind one, DuckDB imports pandas, which takes half a second.
    """
    import duckdb

    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(query).fetchall()


def table_of(title: str, period: str, figures: Mapping[str, int], rows: Iterable[tuple[Any, ...]]) -> Table:
    """Return a table of figures by source and period; `figures` has the digits of each by its heading."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for heading in ("source", period):
        table.add_column(heading, no_wrap=True)
    for heading in figures:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("vintage", no_wrap=True)
    previous = None
    for source, label, vintage, *values in rows:
        if previous not in (None, source):
            table.add_section()
        shown = [figure(value, digits) for value, digits in zip(values, figures.values(), strict=True)]
        table.add_row("" if source == previous else source, label, *shown, str(vintage))
        previous = source
    return table


def figure(value: float | None, digits: int) -> str:
    """Return a figure with thousands separated; a dot for a missing one."""
    return "·" if value is None else f"{value:,.{digits}f}".replace(",", " ")


def print_result(console: Console, settings: Settings, progress: Progress) -> None:
    """Print the tables and the paths of the current release, and what failed."""
    from warehouse.releases.store import DATABASE, current

    release = current(settings.published)
    if release is None:
        console.print(f"There is no release in {settings.published}.", highlight=False, soft_wrap=True)
    else:
        console.print()
        console.print(china_years(release / DATABASE))
        console.print(china_periods(release / DATABASE))
        paths = {
            "Release": release,
            "Database": release / DATABASE,
            "Parquet": release / "parquet",
            "Validation": release / "data_docs" / "index.html",
            "dbt docs": release / "dbt_docs" / "index.html",
        }
        for name, path in paths.items():
            console.print(f"{name:<10} {path}", highlight=False, soft_wrap=True)
    if progress.failures:
        failed = f"[red]Failed: {', '.join(progress.failures)}.[/] What was published before stays current."
        console.print(failed, highlight=False, soft_wrap=True)
    elif not progress.releases:
        console.print("Nothing new: the current release is up to date.", highlight=False)


def main() -> int:
    """Run every night; return the exit code."""
    began = time.monotonic()
    gc.disable()  # to look for garbage among modules takes a sixth of the start
    settings = load_settings()
    home = settings.home / "airflow"
    log_file = home / "logs" / "nightly.log"
    use_local_airflow(home)
    from warehouse.build.contents import parse_project, prepare_build
    from warehouse.sources import SOURCES

    plan = nights(os.environ.get("WAREHOUSE_MIRROR", ""), dict(SOURCES))
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else WIDTH)
    with (
        log_file.open("a", encoding="utf-8") as log,
        redirect_stdout(log),
        redirect_stderr(log),
        console.status("Starting Airflow …") as status,
        ThreadPoolExecutor(max_workers=1) as beside,
    ):
        # Airflow's start and ingest use one core, and a build waits for dbt to start and, in a new home, to
        # parse the models. If that fails, the build fails in the same way, and says so.
        parsing = beside.submit(parse_project, settings)
        progress = Progress(console, status)
        progress.on_first_vintage = lambda: beside.submit(prepare_build, settings)
        migrate(home)
        offer_newest_api()
        dags = load_dags(progress)
        gc.freeze()
        gc.enable()
        console.print(f"Airflow is ready ({time.monotonic() - began:.1f} s)", highlight=False)
        record_unrecorded(settings, plan, dict(SOURCES))
        run_nights(plan, dags, progress, before_publish=parsing.exception)
    print_result(console, settings, progress)
    gc.freeze()  # nor at the end
    console.print(
        f"Done in {time.monotonic() - began:.0f} s. Log: {log_file}", highlight=False, soft_wrap=True
    )
    site = settings.published / "latest" / "site" / "index.html"
    if site.exists():
        console.print(f"[bold]Open the site:[/] {site}", highlight=False, soft_wrap=True)
    return 1 if progress.failures else 0


if __name__ == "__main__":
    sys.exit(main())
