"""Shared fixtures: a warehouse of the recorded sample, built once per test run and shared by all workers."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from warehouse.build import contents, steps
from warehouse.config import SAMPLE_DIR, Settings, load_settings
from warehouse.model import first_request
from warehouse.releases.store import DATABASE
from warehouse.sources import SOURCES

# A site takes some seconds for each release: tests that look at one ask for it.
os.environ.setdefault("WAREHOUSE_SITE", "false")

# Fixtures of the sample's release and of its parsed rows: their tests are `sample`.
SAMPLE_FIXTURES = {"replayed", "warehouse", "good"}
# Fixtures of further builds, and Airflow's metadata database: their tests are `slow`.
BUILD_FIXTURES = {"earlier_warehouse", "rebuilt", "bank"}
SLOW_FIXTURES = BUILD_FIXTURES | {"airflow_home", "built_of_nbs", "landed_once"}
LONGEST_TEST = "test_every_unit_test_of_the_models_passes"
# A directory in which further runs of the same code find what fixtures have made once.
SHARED = os.environ.get("TESTS_SHARED")
# In seconds since 1970: a test of these sets that has not begun by then is left out, and counted as skipped.
# One that is marked with the seconds that it takes must begin so much earlier.
UNTIL = float(os.environ.get("TESTS_UNTIL", "inf"))
LONG_SETS = ("slow", "faults", "stack", "browser", "superset")
NO_TIME = "it had not begun by TESTS_UNTIL"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--source NAME`: the tests of one source, as `make test-source` runs them."""
    parser.addoption("--source", choices=sorted(SOURCES), help="run the tests of one source alone")


def fixtures_of(item: pytest.Item) -> set[str]:
    """Return the names of the fixtures of a test, and of their fixtures."""
    return set(getattr(item, "fixturenames", ()))


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """Mark tests by the fixtures that they need, and order those that a selection leaves."""
    for item in items:
        if SLOW_FIXTURES & fixtures_of(item):
            item.add_marker(pytest.mark.slow)
        elif SAMPLE_FIXTURES & fixtures_of(item):
            item.add_marker(pytest.mark.sample)
    yield
    if name := config.getoption("source"):
        chosen = [item for item in items if is_of_source(item, name)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
        items[:] = chosen
    items[:] = in_halves(items)


def is_of_source(item: pytest.Item, name: str) -> bool:
    """Tell whether a test looks at one source, and needs neither the sample's build nor Airflow.

    Such a test is in the files of the source, has its name as a parameter, or is marked `each_source`: then
    it looks at the sources of the fixture `asked_sources`.
    """
    if item.get_closest_marker("each_source"):
        return True
    if fixtures_of(item) & (SLOW_FIXTURES | SAMPLE_FIXTURES - {"good"}):
        return False
    is_parameter = re.search(rf"(?<![a-z0-9_]){name}(?![a-z0-9_])", item.name.partition("[")[2])
    return is_parameter is not None or item.path.stem.startswith(f"test_{name}")


@pytest.fixture(scope="session")
def asked_sources(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Return the names of all sources, or of the one of `--source`."""
    asked = request.config.getoption("source")
    return (asked,) if asked else tuple(SOURCES)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out a test of a long set when there is no time left for it.

    A run that is stopped for its length shows nothing, not even what had passed. Only `.ci/run` sets a time.
    """
    takes = item.get_closest_marker("takes")
    ends = time.time() + (takes.args[0] if takes else 0)
    if ends > UNTIL and any(item.get_closest_marker(name) for name in LONG_SETS):
        pytest.skip(NO_TIME)


def left_out(reporter: pytest.TerminalReporter) -> int:
    """Return how many tests were left out for want of time."""
    return sum(NO_TIME in str(one.longrepr) for one in reporter.stats.get("skipped", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many tests were left out."""
    if count := left_out(terminalreporter):
        terminalreporter.write_line(f"{count} tests were left out: {NO_TIME}. Run them by themselves.")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let a run fail that had time for none of its tests."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")  # a worker has none
    if reporter and left_out(reporter) and not reporter.stats.get("passed"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def in_halves(items: list[pytest.Item]) -> list[pytest.Item]:
    """Order tests so that long ones begin each half, which `--dist worksteal` gives to one of two workers.

    The first worker begins with the tests on the sample, which it builds, the second with the other slow
    tests; quick tests follow, which a worker takes over from the other at the end.
    """

    def comes_first(item: pytest.Item) -> bool:
        return item.name != LONGEST_TEST and not BUILD_FIXTURES & fixtures_of(item)

    long = [item for item in items if item.get_closest_marker("slow") or item.get_closest_marker("sample")]
    quick = [item for item in items if item not in set(long)]
    long.sort(key=comes_first)
    on_sample = [item for item in long if SAMPLE_FIXTURES & fixtures_of(item)]
    others = [item for item in long if not SAMPLE_FIXTURES & fixtures_of(item)]
    middle = max(0, len(items) // 2 - len(on_sample))
    return [*on_sample, *quick[:middle], *others, *quick[middle:]]


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def settings_of(home: Path, mirror: Path | str | None = None, **overrides: object) -> Settings:
    """Return the settings of a warehouse in a home, with a mirror instead of the publishers."""
    return load_settings(home=home, mirror=str(mirror) if mirror else None, **overrides)


@dataclass(frozen=True)
class Warehouse:
    """A warehouse on disk: its home, and its current release."""

    home: Path
    release: Path

    @property
    def database(self) -> Path:
        return self.release / DATABASE


def ingest(settings: Settings, name: str) -> str | None:
    """Fetch and accept a source; return its vintage if it is not published yet."""
    return steps.accept(settings, name, steps.fetch(settings, name))


def sources_of(night: Path) -> list[str]:
    """Return the sources with answers in a recorded night."""
    addresses = {answer["address"] for answer in json.loads((night / "index.json").read_text())["answers"]}
    return [name for name, source in SOURCES.items() if first_request(source.plan()).address in addresses]


def replay(home: Path, night: Path) -> dict[str, str | None]:
    """Ingest every source with answers in a recorded night; return their vintages."""
    settings = settings_of(home, night)
    return {name: ingest(settings, name) for name in sources_of(night)}


def build_of(settings: Settings, as_of: str | None = None, force: bool = False) -> str:
    """Load, transform and validate a build; return its id."""
    build = steps.load(settings, as_of, force)
    assert build is not None
    return steps.validate(settings, steps.transform(settings, build))


def release_of(home: Path, as_of: str | None = None, force: bool = False, site: bool = False) -> Path:
    """Build, validate and publish what is landed; return the release."""
    settings = settings_of(home, site=site)
    return settings.published / steps.publish(settings, build_of(settings, as_of, force))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return a directory that all workers of this test run share, and further runs with TESTS_SHARED."""
    if SHARED:
        Path(SHARED).mkdir(parents=True, exist_ok=True)
        return Path(SHARED)
    base = tmp_path_factory.getbasetemp()
    directory = (base if worker_id == "master" else base.parent) / "shared"
    directory.mkdir(exist_ok=True)
    return directory


def once(shared: Path, name: str, make: Callable[[], object]) -> str:
    """Make something in the first worker that needs it; return its text in all workers."""
    done = shared / f"{name}.done"
    with FileLock(shared / f"{name}.lock"):
        if not done.exists():
            done.write_text(str(make()))
    return done.read_text()


def copy_home(home: Path, copy: Path) -> Path:
    """Copy a home, with its current release."""
    return Path(shutil.copytree(home, copy, symlinks=True))


@pytest.fixture(scope="session", autouse=True)
def parsed_once(shared: Path) -> Iterator[None]:
    """Let all homes share what dbt parsed, which takes seconds and depends on the code alone."""
    directory, path_of = shared / "parsed", contents.parsed_project
    with pytest.MonkeyPatch.context() as patch:
        for module in (contents, steps):
            patch.setattr(module, "parsed_project", lambda settings: directory / path_of(settings).name)
        yield


@pytest.fixture(scope="session")
def replayed(shared: Path) -> Path:
    """Return a home in which both recorded nights are landed, as by `make run`; read only, of all workers."""
    home = shared / "replayed"

    def make() -> Path:
        nights = sorted(SAMPLE_DIR.glob("night-*"))
        assert len(nights) == 2
        recorded = set()
        for night in nights:
            landed = replay(home, night)
            assert landed and None not in landed.values()
            recorded |= set(landed)
        for name in SOURCES.keys() - recorded:
            steps.record_not_configured(settings_of(home), name, f"{name}: no night has a recording of it")
        return home

    return Path(once(shared, "replayed", make))


@pytest.fixture(scope="session")
def warehouse(replayed: Path, shared: Path) -> Warehouse:
    """Return the warehouse of both recorded nights with its release; read only, shared by all workers.

    It is the only release of the tests with a site, which takes some seconds.
    """
    return Warehouse(replayed, Path(once(shared, "release", lambda: release_of(replayed, site=True))))


@pytest.fixture(scope="module")
def own_warehouse(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return a copy of that warehouse, in which the tests of a module may publish."""
    home = copy_home(warehouse.home, tmp_path_factory.mktemp("own") / "home")
    return Warehouse(home=home, release=home / "published" / warehouse.release.name)


@pytest.fixture(scope="session")
def earlier_warehouse(warehouse: Warehouse, shared: Path) -> Warehouse:
    """Return a copy of that warehouse with a release as of 2024-07-11; read only, shared by all workers.

    It is the day before the World Bank's second vintage.
    """
    home = shared / "earlier"

    def make() -> Path:
        return release_of(copy_home(warehouse.home, home), as_of="2024-07-11")

    return Warehouse(home, Path(once(shared, "earlier", make)))


@pytest.fixture(scope="session")
def bank(shared: Path) -> Warehouse:
    """Return the warehouse of the World Bank's two recorded vintages; read only, shared by all workers."""
    home = shared / "bank"

    def make() -> Path:
        for night in ("night-1", "night-2"):
            assert ingest(settings_of(home, SAMPLE_DIR / night), "worldbank_wdi") is not None
        return release_of(home)

    return Warehouse(home, Path(once(shared, "bank", make)))


@pytest.fixture
def bank_home(bank: Warehouse, tmp_path: Path) -> Path:
    """Return a copy of the World Bank's warehouse, in which a test may publish."""
    return copy_home(bank.home, tmp_path / "home")


@pytest.fixture(scope="session")
def bank_rebuilt(bank: Warehouse, shared: Path) -> tuple[Path, str]:
    """Return a copy of that home with a second build, and its id; read only, shared by all workers.

    Transform and validate were run twice: a step is repeated after a kill at its end. It is not published.
    """
    home = shared / "bank-rebuilt"

    def make() -> str:
        settings = settings_of(copy_home(bank.home, home))
        build = steps.load(settings, force=True)
        assert build is not None
        for step in (steps.transform, steps.validate):
            assert step(settings, build) == build
            assert step(settings, build) == build
        return build

    return home, once(shared, "bank-rebuilt", make)


@pytest.fixture(scope="session")
def built(warehouse: Warehouse) -> Path:
    """Return the database of that release: schemas core and marts."""
    return warehouse.database
