"""Staging of a backfill on small homes: keys, passwords of mirrors, and what blocks an approval."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import pytest
import toy
from command_line import invoke
from conftest import settings_of
from pydantic import SecretStr
from small_homes import EARLIER_RELEASE, SOURCE, VINTAGE, make_home

from warehouse.backfill import decide, records, stage
from warehouse.backfill.records import Backfill
from warehouse.config import SAMPLE_DIR, Settings
from warehouse.errors import SourceError, WarehouseError
from warehouse.model import Source
from warehouse.releases.publish import refresh, rollback
from warehouse.releases.store import current
from warehouse.sources import SOURCES

pytest_plugins = ("proxies",)
TYPED = "S3cretPw"  # the password of the mirror
NAME = "worldbank_wdi"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


@pytest.mark.parametrize("name", [name for name, source in SOURCES.items() if source.key_variable])
def test_publisher_that_asks_for_a_key_is_sent_it(
    name: str, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = SOURCES[name].key_variable
    assert variable is not None
    given: list[object] = []

    def answer(source: Source, into: Path, *, key: str | None = None, **_: object) -> None:
        given.append(key)
        raise SourceError(source.name, "asked")

    monkeypatch.setattr(stage, "fetch", answer)
    settings = settings_of(small, keys={variable: SecretStr("a key")})
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    with pytest.raises(WarehouseError, match="asked"):
        stage.begin(settings, name, today, today)
    assert given == ["a key"]


def test_error_of_duckdb_is_recorded(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def need_memory(*_: object) -> None:
        raise duckdb.OutOfMemoryException("could not allocate block")

    monkeypatch.setattr(stage, "evaluate", need_memory)
    settings = settings_of(small)
    known = {one.id for one in records.list_backfills(settings.backfill).records}
    with pytest.raises(WarehouseError, match=r"could not allocate .* then run it again"):
        stage.begin(settings, SOURCE, VINTAGE, VINTAGE, reread=True)
    [made] = [one for one in records.list_backfills(settings.backfill).records if one.id not in known]
    event = records.events(settings.backfill, made.id)[-1]
    assert (event.state, event.reason) == ("failed", "could not allocate block")
    assert records.read_report(made).error == "could not allocate block"


@contextmanager
def mirror_of(folder: Path) -> Iterator[str]:
    """Serve a directory over HTTP; yield its address with a user and a password."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://reader:{TYPED}@127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.usefixtures("no_proxy")
@pytest.mark.parametrize("year", ["2022", "2021"], ids=["accepted", "outside of the days"])
def test_password_of_a_mirror_is_neither_recorded_nor_printed(year: str, small: Path) -> None:
    settings = settings_of(small)
    with mirror_of(SAMPLE_DIR / "night-1") as address:
        backfill = stage.begin(settings, NAME, f"{year}-01-01", f"{year}-12-31", (address,))
    masked = address.replace(f"reader:{TYPED}", "***")
    request = records.find(settings.backfill, backfill)
    assert request.mirrors == (masked,)
    shown = [
        invoke(small, *command, *more).stdout
        for command in (("backfill", "show", backfill), ("backfill", "list"))
        for more in ((), ("--json",))
    ]
    assert masked in shown[1]
    if year == "2022":
        records.log_event(settings, backfill, "waiting", "")
        changed = request.baseline.model_copy(update={"code": "older"})
        records.write_record(
            request.directory / records.REQUEST, request.model_copy(update={"baseline": changed})
        )
        with pytest.raises(WarehouseError, match="request it again") as rejected:
            decide.approve(settings, backfill, "go")
        assert masked in str(rejected.value)
        shown.append(str(rejected.value))
    files = [path for path in (small / "backfill").rglob("*") if path.is_file()]
    assert len(files) > 3
    assert not [path for path in files if TYPED.encode() in path.read_bytes()]
    assert not [text for text in shown if TYPED in text]


@pytest.mark.usefixtures("no_proxy")
def test_password_of_a_mirror_that_fails_is_neither_recorded_nor_printed(small: Path, tmp_path: Path) -> None:
    settings = settings_of(small)
    with mirror_of(tmp_path / "nothing") as address, pytest.raises(WarehouseError) as failed:
        stage.begin(settings, NAME, "2022-01-01", "2022-12-31", (address,))
    assert TYPED not in str(failed.value)
    files = [path for path in (small / "backfill").rglob("*") if path.is_file()]
    assert not [path for path in files if TYPED.encode() in path.read_bytes()]
    assert TYPED not in invoke(small, "backfill", "list").stdout


def test_password_in_an_earlier_record_is_not_printed(small: Path) -> None:
    settings = settings_of(small)
    backfill = records.list_backfills(settings.backfill).records[0]
    path = backfill.directory / records.REQUEST
    path.write_text(path.read_text().replace('"/mirror"', f'"http://reader:{TYPED}@host/a"'))
    shown = invoke(small, "backfill", "show", backfill.id, "--json").stdout
    assert TYPED not in shown and "http://***@host/a" in shown


def waiting(settings: Settings, mirror: str) -> Backfill:
    """Return a backfill that waits for a decision on the current release."""
    day = date(2024, 1, 1)
    baseline = stage.baseline_of(settings)
    backfill = records.create(settings, NAME, "fetch", (day, day), (mirror,), baseline)
    records.write_report(backfill, records.Report(pulls=(), build="20240601T000000000000Z"))
    records.log_event(settings, backfill.id, "waiting", "compared")
    return backfill


def refresh_release(settings: Settings, name: str) -> None:
    """Publish the current release again, as on a morning without a new vintage."""
    release = current(settings.published)
    assert release is not None
    refresh(settings.published, release, name, {}, "tests", lambda *_: None)


def test_refresh_of_the_release_does_not_block_an_approval(small: Path) -> None:
    settings = settings_of(small)
    refresh_release(settings, "20240503T000000000000Z")
    backfill = waiting(settings, "/mirror")
    assert decide.show(settings, backfill.id).blockers == ()
    for day in (4, 5):
        refresh_release(settings, f"2024050{day}T000000000000Z")
    assert not (settings.published / backfill.baseline.release).exists()
    assert decide.show(settings, backfill.id).blockers == ()
    rollback(settings.published, EARLIER_RELEASE, "x", "tests")
    [blocker] = decide.show(settings, backfill.id).blockers
    assert blocker == f"release {EARLIER_RELEASE} is current, and {backfill.baseline.release} was"


def test_proposed_command_quotes_the_path_of_a_mirror(small: Path) -> None:
    settings = settings_of(small)
    backfill = waiting(settings, "/srv/my mirrors/a")
    rollback(settings.published, EARLIER_RELEASE, "x", "tests")
    with pytest.raises(WarehouseError, match="--mirror '/srv/my mirrors/a'"):
        decide.approve(settings, backfill.id, "go")


def test_part_that_a_newer_reader_loses_ends_a_reread(tmp_path: Path) -> None:
    """The rows of the vintage before are not taken in its place, and no file is added to the vintage."""
    staged = settings_of(tmp_path)
    first = toy.land(staged.landing, "code,value\na,1\nb,2\n")
    second = toy.land(staged.landing, "code,value\na,1\nb,3\n", toy.NOW + timedelta(days=1))
    newer = replace(toy.SOURCE, reader_version=2, read=toy.read_without_b)
    with pytest.raises(SourceError, match=f"version 2 does not read 'b' of vintage {second.id}"):
        stage.reparse(staged, newer, second, first)
    assert [path.name for path in (second.directory / "files").iterdir()] == ["rows.csv"]
