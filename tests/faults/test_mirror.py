"""Whole nights against a mirror that does mischief: the source fails plainly, and all else goes on.

What a pull makes of each mischief, attempt by attempt, is in `tests/test_fetch.py`; here it is what the night
makes of it: the vintages, the records, the release.
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

import nights
import pytest
from conftest import environment, settings_of
from typer.testing import CliRunner

from warehouse import fetch as fetching
from warehouse.alerts import find_alerts
from warehouse.cli.app import app
from warehouse.fetch import Limits
from warehouse.landing import store
from warehouse.releases.manifest import read_manifest
from warehouse.sources import SOURCES

pytestmark = pytest.mark.faults
pytest_plugins = ("homes",)

NAME = "worldbank_wdi"
QUICK = Limits(
    read_seconds=2, deadline_seconds=4, attempts=3, backoff_seconds=0.01, retry_after_cap_seconds=0.1
)
# Answers to the n-th call of an address, by its handler and the right bytes.
Mischief = Callable[[BaseHTTPRequestHandler, int, bytes], None]


def answer(call: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: object) -> None:
    """Send a whole answer; `headers` come in place of the right ones."""
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
    time.sleep(0.05)  # else the reset overtakes the bytes
    call.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    call.connection.close()


def slow_down_twice(call: BaseHTTPRequestHandler, nth: int, body: bytes) -> None:
    if nth < 2:
        answer(call, b"later", (429, 503)[nth], Retry_After=1)
    else:
        answer(call, body)


def circle(call: BaseHTTPRequestHandler, nth: int, body: bytes) -> None:
    answer(call, b"", 302, Location=call.path)


def too_long_a_length(call: BaseHTTPRequestHandler, nth: int, body: bytes) -> None:
    answer(call, body, Content_Length=len(body) + 100)


def too_short_a_length(call: BaseHTTPRequestHandler, nth: int, body: bytes) -> None:
    answer(call, body, Content_Length=len(body) - 100)


# What is done, and what the record then says of it.
FAILING: dict[str, tuple[Mischief, str]] = {
    "hangs": (hang, "deadline of 4 s passed with 0 bytes"),
    "drips": (drip, "deadline of 4 s passed"),
    "resets": (reset, "reset|broke|bytes"),
    "circles": (circle, "redirect"),
    "says too long a length": (too_long_a_length, "bytes"),
    "says too short a length": (too_short_a_length, "SHA-256"),
}


@contextmanager
def serving(mirror: Path, mischief: Mischief) -> Iterator[tuple[str, Counter[str]]]:
    """Serve a mirror over HTTP, with mischief for one source's files; yield its address and the calls."""
    index = json.loads((mirror / "index.json").read_text())
    first = next(SOURCES[NAME].plan()).address
    (folder,) = {one["file"].split("/")[0] for one in index["answers"] if one["address"] == first}
    calls: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = (mirror / self.path.lstrip("/")).read_bytes()
            if not self.path.startswith(f"/{folder}/"):
                answer(self, body)
                return
            nth, calls[self.path] = calls[self.path], calls[self.path] + 1
            try:
                mischief(self, nth, body)
            except OSError:  # the other side left, as it should
                self.close_connection = True

        def log_message(self, *told: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *told: object) -> None:
            """Say nothing of connections that were cut on purpose."""

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", calls
        finally:
            server.shutdown()


@pytest.fixture(scope="module")
def others_done(released: Path, second_night: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home in whose release the second night is, but for the source that mischief is done to."""
    home = tmp_path_factory.mktemp("others") / "home"
    shutil.copytree(released, home, symlinks=True)
    others = set(nights.FEW) - {NAME}
    assert nights.run(home, "fetch", *others, mirror=second_night).returncode == 0
    assert nights.run(home, "publish").returncode == 0
    return home


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a pull try for seconds, not for half an hour."""
    monkeypatch.setattr(fetching, "fetch", partial(fetching.fetch, limits=QUICK))


def night(home: Path, mirror: Path | str) -> tuple[int, str]:
    """Do a whole night in this process; return its exit code and what it said."""
    with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_MIRROR=str(mirror)):
        ended = CliRunner().invoke(app, ["run"])
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    return ended.exit_code, ended.output


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("how", FAILING)
def test_a_source_whose_mirror_does_mischief_fails_and_what_stood_stands(
    how: str, others_done: Path, second_night: Path, tmp_path: Path
) -> None:
    mischief, says = FAILING[how]
    home = tmp_path / "home"
    shutil.copytree(others_done, home, symlinks=True)
    before, release = nights.immutable_files(home), nights.current_release(home).name
    began = time.monotonic()
    with serving(second_night, mischief) as (address, calls):
        code, _ = night(home, address)
    assert calls, "the mischief was never met"
    assert time.monotonic() - began < 30, "a night isn't held up by one source"
    assert code == 1
    look = store.list_checks(home / "landing", NAME).require()[-1]
    assert look.outcome == "failed" and re.search(says, look.detail), look.detail
    assert "Traceback" not in look.detail
    for name in set(nights.FEW) - {NAME}:
        assert store.list_checks(home / "landing", name).require()[-1].outcome == "unchanged"
    nights.require_complete(home)
    assert not list((home / "landing" / NAME / ".incoming").glob("*"))
    after = nights.immutable_files(home)
    assert before == {name: after.get(name) for name in before}
    assert nights.current_release(home).name == release, "nothing new came, so nothing is built"
    (alert,) = (
        one for one in find_alerts(settings_of(home)) if (one.kind, one.subject) == ("fetch_failed", NAME)
    )
    assert alert.command == f"warehouse fetch {NAME}" and look.detail[:200] in alert.happened


@pytest.mark.usefixtures("quickly")
def test_what_came_in_a_night_of_mischief_is_published_and_the_next_night_ends_right(
    second_night: Path, tmp_path: Path
) -> None:
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    night(undisturbed, second_night)
    with serving(second_night, reset) as (address, _):
        assert night(disturbed, address)[0] == 1
    told = {one.source for one in read_manifest(nights.current_release(disturbed)).vintages}
    assert told == set(nights.FEW) - {NAME}
    with serving(second_night, slow_down_twice) as (address, calls):
        night(disturbed, address)
    assert calls and set(calls.values()) == {3}
    nights.require_complete(disturbed)
    assert store.list_checks(disturbed / "landing", NAME).require()[-1].outcome == "accepted"
    assert nights.tables_of(nights.current_release(disturbed)) == nights.tables_of(
        nights.current_release(undisturbed)
    )
