"""Every kind of alert reaches a mail server and a webhook, sent by real runs of the real DAGs and pipeline.

Loopback only: an SMTP double, an HTTP server, SQLite metadata, a warehouse in a temporary directory.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import socketserver
import sys
import threading
from collections.abc import Iterator
from email import message_from_string
from email.header import decode_header, make_header
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from conftest import environment
from pytest_httpserver import HTTPServer

from warehouse import alerts as alerting
from warehouse import pipeline
from warehouse.config import PROJECT_ROOT, SAMPLE_DIR

DAGS = PROJECT_ROOT / "dags"
NIGHT = SAMPLE_DIR / "night-2"
SOURCE = "data360_digital"
ADDRESS = "https://data360files.worldbank.org/data360-data/data/UNCTAD_DE/UNCTAD_DE.csv"
SECRET = "T000-B000-hush"  # noqa: S105 - of nobody


@pytest.fixture(scope="module", autouse=True)
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("airflow")
    before, path_before = dict(os.environ), list(sys.path)
    sys.path.append(str(DAGS))
    import nightly

    nightly.use_local_airflow(home)
    nightly.migrate(home)
    yield home
    os.environ.clear()
    os.environ.update(before)
    sys.path[:] = path_before


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Land one source."""
    home = tmp_path_factory.mktemp("landed")
    with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_MIRROR=str(NIGHT)):
        assert pipeline.accept(SOURCE, pipeline.fetch(SOURCE))
    return home


@pytest.fixture
def home(landed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy the landed source to a warehouse of the test's own, with a mirror that answers nothing."""
    place = tmp_path / "warehouse"
    shutil.copytree(landed, place)
    (tmp_path / "silent").mkdir()
    (tmp_path / "silent" / "index.json").write_text('{"name": "silent", "answers": []}')
    monkeypatch.setenv("WAREHOUSE_HOME", str(place))
    monkeypatch.setenv("WAREHOUSE_MIRROR", str(tmp_path / "silent"))
    return place


def spoiled_mirror(folder: Path) -> Path:
    """Make a mirror whose answer has an economy that nobody knows."""
    folder.mkdir()
    path = NIGHT / "data360files.worldbank.org/data360-data/data/UNCTAD_DE/UNCTAD_DE.csv"
    text = path.read_text(encoding="utf-8-sig")
    assert "CHN" in text
    spoiled = text.replace("CHN", "Q{<").encode()
    (folder / "answer.csv").write_bytes(spoiled)
    answer = {"address": ADDRESS, "file": "answer.csv", "retrieved_at": "2026-06-01T00:00:00Z"}
    answer |= {"content_type": "text/csv", "sha256": hashlib.sha256(spoiled).hexdigest()}
    (folder / "index.json").write_text(json.dumps({"name": "spoiled", "answers": [answer]}))
    return folder


@pytest.fixture
def dags() -> dict[str, Any]:
    import nightly
    from rich.console import Console

    return nightly.load_dags(nightly.Screen(Console(file=StringIO())))


# --- the two channels -----------------------------------------------------------------------------


class PostOffice(socketserver.ThreadingTCPServer):
    """A loopback SMTP double: keeps what it was given, or refuses every receiver."""

    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Clerk)
        self.letters: list[str] = []
        self.is_refusing = False


class Clerk(socketserver.StreamRequestHandler):
    server: PostOffice

    def handle(self) -> None:
        self.say("220 post office")
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].upper()
            if word == "RCPT" and self.server.is_refusing:
                self.say("550 no such receiver")
                continue
            if word == "DATA":
                self.say("354 go on")
                body = []
                while (row := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                    body.append(row)
                self.server.letters.append("\n".join(body))
            self.say("221 bye" if word == "QUIT" else "250 ok")
            if word == "QUIT":
                return

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def post_office(monkeypatch: pytest.MonkeyPatch) -> Iterator[PostOffice]:
    with PostOffice() as office:
        thread = threading.Thread(target=office.serve_forever, daemon=True)
        thread.start()
        connection = {
            "conn_type": "smtp",
            "host": "127.0.0.1",
            "port": office.server_address[1],
            "extra": {"disable_ssl": True, "disable_tls": True, "from_email": "warehouse@example.org"},
        }
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
        monkeypatch.setenv("WAREHOUSE_ALERT_EMAIL", "on-call@example.org, desk@example.org")
        yield office
        office.shutdown()
        thread.join()


@pytest.fixture
def hook(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    httpserver.expect_request(f"/{SECRET}", method="POST").respond_with_data("ok")
    connection = {"conn_type": "slackwebhook", "password": httpserver.url_for(f"/{SECRET}")}
    monkeypatch.setenv("AIRFLOW_CONN_CHAT", json.dumps(connection))
    monkeypatch.setenv("WAREHOUSE_ALERT_SLACK_CONN", "chat")
    return httpserver


def mails(office: PostOffice) -> list[str]:
    """Return subject and decoded body of each letter."""
    found = []
    for letter in office.letters:
        mail = message_from_string(letter)
        (part,) = [part for part in mail.walk() if part.get_content_type() == "text/html"]
        subject = make_header(decode_header(mail["Subject"]))
        found.append(f"{subject}\n{part.get_payload(decode=True).decode()}")
    return found


def posts(hook: HTTPServer) -> list[str]:
    return [request.get_json()["text"] for request, _ in hook.log]


def states(run: Any) -> dict[str, str]:
    return {instance.task_id: str(instance.state) for instance in run.get_task_instances()}


def section(text: str, head: str) -> str:
    """Return the paragraph of one alert in a message."""
    found = [part for part in text.split("\n\n") if head in part]
    assert found, text
    return found[0]


def assert_tells(text: str, head: str, happened: str, command: str) -> None:
    told = section(text, head)
    assert "What happened: " in told
    assert happened in told
    assert "What stands: " in told
    assert f"{SOURCE} 2026-03-19" in told
    assert f"What to run next: {command}" in told


# --- each kind ------------------------------------------------------------------------------------


def test_a_failed_step_is_told_by_both_channels(
    home: Path, dags: dict[str, Any], post_office: PostOffice, hook: HTTPServer
) -> None:
    assert states(dags[f"ingest_{SOURCE}"].test())["fetch"] == "failed"
    (mail,), (post,) = mails(post_office), posts(hook)
    assert f"step_failed: {SOURCE}: fetch" in mail.splitlines()[0]
    assert "on-call@example.org" in post_office.letters[0] and "desk@example.org" in post_office.letters[0]
    for text in (mail, post):
        assert_tells(text, f"step_failed: {SOURCE}: fetch", SOURCE, f"warehouse fetch {SOURCE}")
    with environment(WAREHOUSE_MIRROR=str(NIGHT)):
        dags[f"ingest_{SOURCE}"].test()
    assert "step_failed" not in {one["kind"] for one in pipeline.alerts()}


def test_a_rejected_load_is_told_once_and_as_plain_text(
    home: Path, dags: dict[str, Any], post_office: PostOffice, hook: HTTPServer, tmp_path: Path
) -> None:
    with environment(WAREHOUSE_MIRROR=str(spoiled_mirror(tmp_path / "spoiled"))):
        assert states(dags[f"ingest_{SOURCE}"].test())["accept"] == "failed"
        assert states(dags[f"ingest_{SOURCE}"].test())["accept"] == "failed"  # the same on the next night
    (mail,), (post,) = mails(post_office), posts(hook)
    assert f"load_rejected: {SOURCE}" in mail.splitlines()[0]
    assert "Q{&lt;" in mail and "Q{&lt;" in post
    assert_tells(post, f"load_rejected: {SOURCE}", "unknown", "warehouse rejected show ")
    assert f"step_failed: ingest_{SOURCE}" not in post  # one failure, one alert


def test_a_late_source_and_low_disk_are_told_by_the_morning_watch_once(
    home: Path,
    dags: dict[str, Any],
    post_office: PostOffice,
    hook: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WAREHOUSE_DISK_FACTOR", "1e12")
    assert states(dags["watch"].test()) == {"watch": "success"}
    (mail,), (post,) = mails(post_office), posts(hook)
    for text in (mail, post):
        assert_tells(text, "source_late: safe_bop", "a release was expected on", "warehouse fetch safe_bop")
        assert_tells(text, "disk_low: disk", "GiB are free and a build needs", "warehouse maintain")
    assert f"source_late: {SOURCE}" not in post
    assert states(dags["watch"].test()) == {"watch": "success"}
    assert (len(post_office.letters), len(hook.log)) == (1, 1)  # nothing is new
    monkeypatch.delenv("WAREHOUSE_DISK_FACTOR")
    dags["watch"].test()
    monkeypatch.setenv("WAREHOUSE_DISK_FACTOR", "1e12")
    dags["watch"].test()
    assert len(post_office.letters) == 2  # it was over, and came back
    assert "disk_low: disk" in mails(post_office)[1] and "source_late" not in mails(post_office)[1]


def release_with_a_big_revision(home: Path) -> Path:
    """Publish, by hand, a release that holds no more than what the alert reads."""
    place = home / "published" / "20260601T000000000000Z"
    place.mkdir(parents=True)
    with duckdb.connect(str(place / pipeline.DATABASE)) as db:
        db.execute("create schema marts")
        db.execute(
            "create table marts.mart_revision_alert as select 'data360_digital' as source, "
            "'2026-03-19' as vintage, '2025-01-01' as previous_vintage, 'CHN / SDIG / exports' as series, "
            "'2020' as period_label, 100.0 as previous_value, 180.0 as value, 80.0 as change_pct, "
            "20.0 as threshold_pct"
        )
    news = {"vintages": [{"source": SOURCE, "vintage": "2026-03-19"}], "big_revisions": 1}
    manifest = {"release": place.name, "as_of": "2026-06-01", "vintages": [], "fingerprint": "", "news": news}
    (place / "MANIFEST.json").write_text(json.dumps(manifest | {"tables": {}}))
    (home / "published" / "latest").symlink_to(place.name)
    return place


def test_a_big_revision_is_told_as_soon_as_it_is_published(
    home: Path,
    dags: dict[str, Any],
    post_office: PostOffice,
    hook: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for step in ("load", "transform", "validate"):
        monkeypatch.setattr(pipeline, step, lambda _: "build")
    monkeypatch.setattr(pipeline, "publish", lambda _: release_with_a_big_revision(home).name)
    assert states(dags["publish"].test())["publish"] == "success"
    (mail,), (post,) = mails(post_office), posts(hook)
    for text in (mail, post):
        told = section(text, f"big_revision: {SOURCE}")
        assert "+80.0 %" in told and "threshold 20.0 %" in told
        assert "What stands: release 20260601T000000000000Z" in told
        assert "What to run next: warehouse query " in told


def test_any_other_task_that_fails_is_told_until_it_succeeds(
    home: Path, dags: dict[str, Any], hook: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> str:
        raise RuntimeError("the roof {{ 7 * 7 }} fell in")

    monkeypatch.setattr(pipeline, "load", fail)
    assert states(dags["publish"].test())["load"] == "failed"
    told = section(posts(hook)[0], "step_failed: publish.load")
    assert "the roof {{ 7 * 7 }} fell in" in told
    assert "What stands: the published release stands" in told
    assert "What to run next: warehouse publish" in told
    assert "publish.load" in {one["subject"] for one in pipeline.alerts()}
    monkeypatch.setattr(pipeline, "load", lambda _: None)
    dags["publish"].test()
    assert "publish.load" not in {one["subject"] for one in pipeline.alerts()}


# --- who can't be told ----------------------------------------------------------------------------


def test_a_channel_that_fails_is_on_record_silences_no_other_and_is_tried_again(
    home: Path,
    dags: dict[str, Any],
    post_office: PostOffice,
    hook: HTTPServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    post_office.is_refusing = True
    hook.clear()
    hook.expect_request(f"/{SECRET}").respond_with_data("no_service", status=500)
    with caplog.at_level(logging.DEBUG):
        assert states(dags["watch"].test()) == {"watch": "success"}
    (one, *_) = pipeline.alerts()
    assert set(one["unsent"]) == {"email", "webhook"} and one["told"] == {}
    ledger = (home / alerting.LEDGER).read_text()
    assert SECRET not in ledger
    hook.clear()
    hook.expect_request(f"/{SECRET}").respond_with_data("ok")
    dags["watch"].test()
    (one, *_) = pipeline.alerts()
    assert set(one["told"]) == {"webhook"} and set(one["unsent"]) == {"email"}
    post_office.is_refusing = False
    dags["watch"].test()
    assert len(post_office.letters) == 1 and len(posts(hook)) == 1
    assert SECRET not in "\n".join(
        record.getMessage() for record in caplog.records if record.name == "alerts"
    )


def test_with_nothing_configured_the_log_is_told(
    home: Path, dags: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    import alerts

    with caplog.at_level(logging.INFO, logger="alerts"):
        sent = alerts.tell({})
    assert sent["log"] > 0
    assert "Nobody was told: set WAREHOUSE_ALERT_EMAIL" in caplog.text
    assert "source_late: safe_bop" in caplog.text
    assert set(pipeline.alerts()[0]["told"]) == {"log"}


def test_where_the_ledger_cannot_be_written_the_alert_is_sent_all_the_same(
    home: Path, dags: dict[str, Any], hook: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(alerting, "append_line", full)
    monkeypatch.setattr(pipeline, "load", full)
    assert states(dags["publish"].test())["load"] == "failed"
    assert "No space left on device" in section(posts(hook)[0], "step_failed: publish.load")


def test_the_dags_own_callback_tells_only_of_a_timeout(
    home: Path, hook: HTTPServer, dags: dict[str, Any]
) -> None:
    import alerts

    context = {"dag": dags["publish"], "run_id": "manual__1"}
    alerts.run_timed_out(context | {"reason": "task_failure"}, stands="all.")
    assert posts(hook) == []
    alerts.run_timed_out(context | {"reason": "timed_out"}, stands="all.")
    assert "was stopped after 6:00:00" in section(posts(hook)[0], "step_failed: publish.run")


def test_a_process_that_does_not_see_the_warehouse_tells_of_the_failure_alone(
    tmp_path: Path, hook: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dag-processor runs the callback of a task whose process was killed."""
    import alerts

    monkeypatch.setenv("WAREHOUSE_HOME", str(tmp_path / "not" / "mounted"))
    instance = SimpleNamespace(task_id="load", log_url="http://127.0.0.1/log", dag_id="publish")
    context = {"dag": SimpleNamespace(dag_id="publish"), "run_id": "r", "task_instance": instance}
    alerts.step_failed(context, stands="all.")
    (post,) = posts(hook)
    assert "the process was killed" in section(post, "step_failed: publish.load")
    assert "source_late" not in post
