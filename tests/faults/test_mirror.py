"""Nightly runs against a faulty mirror: its source fails with a plain error, the other sources are published.

How a pull handles each fault, attempt by attempt, is tested in `tests/fetch/`; these tests check the
vintages, the records and the release of the run.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import nights
import pytest
from conftest import environment, settings_of
from typer.testing import CliRunner

from warehouse import fetch as fetching
from warehouse.alerts import find_alerts
from warehouse.cli.app import app
from warehouse.fetch import Limits
from warehouse.landing import store
from warehouse.model import first_request
from warehouse.releases.manifest import read_manifest
from warehouse.sources import SOURCES

pytestmark = pytest.mark.faults
pytest_plugins = ("homes",)

NAME = "worldbank_wdi"
QUICK = Limits(
    read_seconds=2, deadline_seconds=4, attempts=3, backoff_seconds=0.01, retry_after_cap_seconds=0.1
)
# Answers the n-th call of an address, with its handler and the correct bytes.
Fault = Callable[[BaseHTTPRequestHandler, int, bytes], None]


def answer(call: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: object) -> None:
    """Send a complete answer; `headers` replace the correct ones."""
    call.send_response(status)
    for name, value in ({"Content_Length": len(body)} | headers).items():
        call.send_header(name.replace("_", "-"), str(value))
    call.end_headers()
    call.wfile.write(body)


def hang(call: BaseHTTPRequestHandler, nth: int, body: bytes) -> None:
    time.sleep(QUICK.read_seconds + 1)


def drip(call: BaseHTTPRequestHandler, nth: int, body: bytes) -> None:
    answer(call, b"", Content_Length=len(body))
    for byte in body[:30]:
        call.wfile.write(bytes([byte]))
        time.sleep(1)


def reset(call: BaseHTTPRequestHandler, nth: int, body: bytes) -> None:
    answer(call, body[: len(body) // 2], Content_Length=len(body))
    time.sleep(0.05)  # otherwise the reset arrives before the bytes
    call.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    call.connection.close()


def slow_down_twice(call: BaseHTTPRequestHandler, nth: int, body: bytes) -> None:
    if nth < 2:
        answer(call, b"later", (429, 503)[nth], Retry_After=1)
    else:
        answer(call, body)


def redirect_loop(call: BaseHTTPRequestHandler, nth: int, body: bytes) -> None:
    answer(call, b"", 302, Location=call.path)


def length_too_long(call: BaseHTTPRequestHandler, nth: int, body: bytes) -> None:
    answer(call, body, Content_Length=len(body) + 100)


def length_too_short(call: BaseHTTPRequestHandler, nth: int, body: bytes) -> None:
    answer(call, body, Content_Length=len(body) - 100)


# The fault, and a pattern of the recorded detail of the check.
FAILING: dict[str, tuple[Fault, str]] = {
    "hangs": (hang, "deadline of 4 s passed with 0 bytes"),
    "drips": (drip, "deadline of 4 s passed"),
    "resets": (reset, "reset|broke|bytes"),
    "redirects in a loop": (redirect_loop, "redirect"),
    "announces too long a length": (length_too_long, "bytes"),
    "announces too short a length": (length_too_short, "SHA-256"),
}


@contextmanager
def serving(mirror: Path, fault: Fault) -> Iterator[tuple[str, Counter[str]]]:
    """Serve a mirror over HTTP with a fault in one source's files; yield its address and the calls."""
    index = json.loads((mirror / "index.json").read_text())
    first = first_request(SOURCES[NAME].plan()).address
    (folder,) = {
        answer_entry["file"].split("/")[0]
        for answer_entry in index["answers"]
        if answer_entry["address"] == first
    }
    calls: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = (mirror / self.path.lstrip("/")).read_bytes()
            if not self.path.startswith(f"/{folder}/"):
                answer(self, body)
                return
            nth, calls[self.path] = calls[self.path], calls[self.path] + 1
            try:
                fault(self, nth, body)
            except OSError:  # the client closed the connection, as expected
                self.close_connection = True

        def log_message(self, *message: object) -> None:
            """Log nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *request: object) -> None:
            """Log nothing about connections that were closed on purpose."""

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", calls
        finally:
            server.shutdown()


@pytest.fixture
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the deadline of a pull to seconds instead of half an hour."""
    monkeypatch.setattr(fetching, "fetch", partial(fetching.fetch, limits=QUICK))


def run_nightly(home: Path, mirror: Path | str) -> tuple[int, str]:
    """Run `warehouse run` in this process; return its exit code and its output."""
    with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_MIRROR=str(mirror)):
        ended = CliRunner().invoke(app, ["run"])
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    return ended.exit_code, ended.output


@pytest.mark.usefixtures("short_limits")
@pytest.mark.parametrize("how", FAILING)
def test_faulty_mirror_fails_its_source_and_keeps_current_release(
    how: str, second_alone: Path, second_night: Path, tmp_path: Path
) -> None:
    fault, pattern = FAILING[how]
    home = tmp_path / "home"
    shutil.copytree(second_alone, home, symlinks=True)
    before, release = nights.immutable_files(home), nights.current_release(home).name
    began = time.monotonic()
    with serving(second_night, fault) as (address, calls):
        code, _ = run_nightly(home, address)
    assert calls, "the faulty files were never requested"
    assert time.monotonic() - began < 30, "one source must not delay the run"
    assert code == 1
    check = store.list_checks(home / "landing", NAME).require()[-1]
    assert check.outcome == "failed" and re.search(pattern, check.detail), check.detail
    assert "Traceback" not in check.detail
    for name in set(nights.SOURCE_NAMES) - {NAME}:
        assert store.list_checks(home / "landing", name).require()[-1].outcome == "unchanged"
    nights.require_complete(home)
    assert not list((home / "landing" / NAME / ".incoming").glob("*"))
    after = nights.immutable_files(home)
    assert before == {name: after.get(name) for name in before}
    refreshed = nights.current_release(home)
    assert read_manifest(refreshed).refreshes == release, "nothing new, so nothing is built"
    with duckdb.connect(str(refreshed / "warehouse.duckdb"), read_only=True) as db:
        status = db.execute("select distinct status from marts.mart_freshness where source = ?", [NAME])
        assert status.fetchall() == [("failing",)]
    (alert,) = (
        entry
        for entry in find_alerts(settings_of(home))
        if (entry.kind, entry.subject) == ("fetch_failed", NAME)
    )
    assert alert.command == f"warehouse fetch {NAME}" and check.detail[:200] in alert.reason


@pytest.mark.usefixtures("short_limits")
def test_other_sources_are_published_and_next_run_recovers(
    second_night: Path, second_alone: Path, tmp_path: Path
) -> None:
    disturbed = tmp_path / "disturbed"
    with serving(second_night, reset) as (address, _):
        assert run_nightly(disturbed, address)[0] == 1
    published = {entry.source for entry in read_manifest(nights.current_release(disturbed)).vintages}
    assert published == set(nights.SOURCE_NAMES) - {NAME}
    with serving(second_night, slow_down_twice) as (address, calls):
        run_nightly(disturbed, address)
    assert calls and set(calls.values()) == {3}
    nights.require_complete(disturbed)
    assert store.list_checks(disturbed / "landing", NAME).require()[-1].outcome == "accepted"
    releases = [nights.current_release(home) for home in (disturbed, second_alone)]
    assert nights.tables_of(releases[0]) == nights.tables_of(releases[1])
