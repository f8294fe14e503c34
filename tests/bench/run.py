"""Measure nights with a synthetic edition of BaTiS, beside a plain DuckDB script: the script of `make bench`.

    PYTHONPATH=tests python -m bench.run 1000000 --json bench.json

Three nights are run in a new home, each step in a process of its own, from a mirror on loopback: the first
with the synthetic edition and the recorded answers of the other sources; one in which nothing has changed;
one in which only the World Bank's answers have changed. Then `bench.floor` reads the same CSV.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import psutil
import yaml
from bench.generate import MEMBER, SEED, SIZES, generate, rows_of
from bench.measure import Usage, directory_bytes, measure
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from warehouse.build.fingerprint import git_revision
from warehouse.config import DBT_PROJECT_DIR, SAMPLE_DIR
from warehouse.files import sha256_of
from warehouse.model import first_request
from warehouse.releases.manifest import read_manifest
from warehouse.sources import SOURCES, batis

CHANGED = "worldbank_wdi"
CHANGED_HOST = "https://api.worldbank.org/"
SLOWEST = 10
LIMITS = ("WAREHOUSE_MEMORY", "WAREHOUSE_THREADS")  # of the settings, the ones that a run takes over
MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Night:
    """A night: its title, the steps that it took, and the release it made, if any."""

    title: str
    steps: tuple[Usage, ...]
    release: Path | None

    @property
    def seconds(self) -> float:
        return sum(step.seconds for step in self.steps)


@dataclass(frozen=True)
class Bench:
    """Where a run works: its home, the mirror with its address, and the log of the steps."""

    work: Path
    address: str

    @property
    def home(self) -> Path:
        return self.work / "home"

    @property
    def mirror(self) -> Path:
        return self.work / "mirror"

    @property
    def env(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in LIMITS or not name.startswith("WAREHOUSE_")
        }
        paths = {"WAREHOUSE_HOME": str(self.home), "WAREHOUSE_MIRROR": self.address}
        return {**kept, **paths, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}

    def measure(self, step: str, *command: str) -> tuple[Usage, str]:
        return measure(step, (sys.executable, "-m", *command), self.env, self.home, self.work / "steps.log")


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and writes no line for each request."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """Serve a directory on a free port of loopback; give its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(directory))) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def write_index(mirror: Path, night_of_changed: str) -> tuple[str, ...]:
    """Write the index of the mirror; return the sources that it has answers for.

    The World Bank's answers are those of `night_of_changed`, BaTiS's archive is the synthetic edition, all
    others are the sample's newest.
    """
    answers = []
    for night in ("night-1", "night-2"):
        for entry in json.loads((SAMPLE_DIR / night / "index.json").read_text(encoding="utf-8"))["answers"]:
            is_changed = entry["address"].startswith(CHANGED_HOST)
            if night != (night_of_changed if is_changed else "night-2") or entry["address"] == batis.ADDRESS:
                continue
            file = f"{night}/{entry['file']}"
            if is_changed:  # copied, so that the server states a later time of change in the last night
                (mirror / "changed").mkdir(exist_ok=True)
                file = f"changed/{Path(file).name}"
                shutil.copyfile(SAMPLE_DIR / night / entry["file"], mirror / file)
            answers.append({**entry, "file": file})
    answers.append(
        {
            "address": batis.ADDRESS,
            "file": batis.ARCHIVE,
            "retrieved_at": "2025-12-31T00:00:00Z",
            "content_type": "application/zip",
            "sha256": sha256_of(mirror / batis.ARCHIVE),
        }
    )
    index = {"name": "benchmark: synthetic BaTiS, recorded answers of the others", "answers": answers}
    (mirror / "index.json").write_text(json.dumps(index), encoding="utf-8")
    addresses = {entry["address"] for entry in answers}
    return tuple(name for name, one in SOURCES.items() if first_request(one.plan()).address in addresses)


def run_night(bench: Bench, title: str, fetches: dict[str, Sequence[str]]) -> Night:
    """Run the steps of a night; stop after `load` when nothing has changed."""
    steps = [bench.measure(step, "warehouse", "fetch", *names)[0] for step, names in fetches.items()]
    usage, build = bench.measure("load", "bench.step", "load")
    steps.append(usage)
    release = None
    if build:
        for step in ("transform", "validate", "publish"):
            usage, name = bench.measure(step, "bench.step", step, build)
            steps.append(usage)
        release = bench.home / "published" / name
        require_all_sources(release)
    return Night(title=title, steps=tuple(steps), release=release)


def require_all_sources(release: Path) -> None:
    """Raise RuntimeError if the release gate set a source aside: the figures would be of fewer rows."""
    if left_out := read_manifest(release).set_aside:
        raise RuntimeError(f"release {release.name} lacks {', '.join(str(one) for one in left_out)}")


def run_nights(bench: Bench, count: int) -> list[Night]:
    """Run the first `count` of the three nights."""
    sources = write_index(bench.mirror, "night-1")
    others = [name for name in sources if name != batis.NAME]
    first = {"fetch and accept batis": (batis.NAME,), "fetch and accept the others": others}
    nights = [run_night(bench, "first night", first)]
    if count > 1:
        nights.append(run_night(bench, "unchanged night", {"fetch and accept all": sources}))
    if count > 2:
        write_index(bench.mirror, "night-2")
        nights.append(run_night(bench, f"night with a changed {CHANGED}", {"fetch and accept all": sources}))
    return nights


def run_floor(bench: Bench, threads: int) -> Usage:
    """Run the plain script on the extracted CSV, and remove its output."""
    out = bench.work / "floor"
    out.mkdir()
    with zipfile.ZipFile(bench.mirror / batis.ARCHIVE) as packed:
        packed.extract(MEMBER, out)
    usage, _ = bench.measure("floor", "bench.floor", str(out / MEMBER), str(out), str(threads))
    shutil.rmtree(out)
    return usage


def slowest_nodes(release: Path) -> list[tuple[str, float]]:
    """Return the slowest nodes of the transform of a release, and their seconds."""
    records = json.loads((release / "build_records" / "run_results.json").read_text(encoding="utf-8"))
    found = [(one["unique_id"], one["execution_time"]) for one in records["results"]]
    return sorted(found, key=lambda node: -node[1])[:SLOWEST]


def table_of(nights: Sequence[Night], floor: Usage, title: str) -> Table:
    """Return the table of a run."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("step")
    for name in ("wall s", "CPU s", "peak MiB", "peak MiB, all", "disk MiB", "peak disk", "% of night"):
        table.add_column(name, justify="right")
    for night in nights:
        for step in night.steps:
            table.add_row(*cells(step), f"{100 * step.seconds / night.seconds:.0f}")
        whole = (
            f"{night.seconds:.1f}",
            f"{sum(step.cpu_seconds for step in night.steps):.1f}",
            f"{max(step.peak_rss_bytes for step in night.steps) / MEBIBYTE:.0f}",
            f"{max(step.peak_tree_bytes for step in night.steps) / MEBIBYTE:.0f}",
            f"{night.steps[-1].disk_bytes / MEBIBYTE:.0f}",
            f"{max(step.peak_disk_bytes for step in night.steps) / MEBIBYTE:.0f}",
        )
        table.add_row(night.title, *whole, "100", style="bold", end_section=True)
    used = f"{nights[0].seconds / floor.seconds:.1f} x"
    table.add_row(*cells(floor)[:4], "", "", f"first night: {used}", style="bold")
    return table


def cells(usage: Usage) -> tuple[str, ...]:
    """Return the cells of a step, without its share."""
    sizes = (usage.peak_rss_bytes, usage.peak_tree_bytes, usage.disk_bytes, usage.peak_disk_bytes)
    numbers = (
        f"{usage.seconds:.1f}",
        f"{usage.cpu_seconds:.1f}",
        *(f"{size / MEBIBYTE:.0f}" for size in sizes),
    )
    return (usage.step, *numbers)


def run(rows: int, work: Path, seed: int, count: int) -> dict[str, Any]:
    """Generate the edition, run the nights and the floor, print the table; return the figures."""
    console = Console(width=max(Console().width, 130))
    mirror = work / "mirror"
    mirror.mkdir(parents=True)
    (work / "home").mkdir()
    for night in ("night-1", "night-2"):
        (mirror / night).symlink_to(SAMPLE_DIR / night)
    csv_bytes = generate(rows, mirror / batis.ARCHIVE, seed)
    profile = yaml.safe_load((DBT_PROJECT_DIR / "profiles.yml").read_text(encoding="utf-8"))
    threads = profile["services_trade"]["outputs"]["build"]["threads"]
    with served(mirror) as address:
        bench = Bench(work=work, address=address)
        nights = run_nights(bench, count)
        floor = run_floor(bench, threads)
    memory, now = psutil.virtual_memory().total, datetime.now(UTC)
    title = (
        f"Synthetic BaTiS, {rows} rows, CSV of {csv_bytes / MEBIBYTE:.0f} MiB; {os.cpu_count()} cores, "
        f"{memory / (1 << 30):.0f} GiB; {now:%Y-%m-%d}"
    )
    console.print(table_of(nights, floor, title))
    ratio = directory_bytes(bench.home) / csv_bytes
    console.print(f"The home takes {ratio:.1f} times the CSV after the last night.")
    for night in nights:
        if night.release:
            console.print(f"Slowest nodes of dbt, {night.title}:")
            for name, seconds in slowest_nodes(night.release):
                console.print(f"  {seconds:7.1f} s  {name}")
    return {
        "rows": rows,
        "seed": seed,
        "csv_bytes": csv_bytes,
        "archive_bytes": (mirror / batis.ARCHIVE).stat().st_size,
        "date": now.isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "memory_bytes": memory, "platform": platform.platform()},
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("duckdb", "dbt-core", "great-expectations")},
        },
        "git_revision": git_revision(None),
        "nights": [
            {
                "title": night.title,
                "seconds": night.seconds,
                "steps": [asdict(step) for step in night.steps],
                "slowest_nodes": slowest_nodes(night.release) if night.release else [],
            }
            for night in nights
        ],
        "floor": {"threads": threads, **asdict(floor)},
        "night_to_floor": nights[0].seconds / floor.seconds,
        "home_to_csv": ratio,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure nights with a synthetic edition of BaTiS.")
    parser.add_argument("size", help=f"rows: a number, or one of {', '.join(SIZES)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--nights", type=int, choices=(1, 2, 3), default=3, help="run only the first")
    parser.add_argument("--work", type=Path, metavar="DIR", help="work in this new directory, and keep it")
    options = parser.parse_args(arguments)
    rows = rows_of(options.size)
    if options.work:
        figures = run(rows, options.work, options.seed, options.nights)
    else:
        with TemporaryDirectory(prefix="bench-") as work:
            figures = run(rows, Path(work), options.seed, options.nights)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
