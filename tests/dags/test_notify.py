"""Failures are sent to a mail server and a webhook; a failing channel has no effect and logs no secret.

Loopback only: an SMTP double and an HTTP server.
"""

from __future__ import annotations

import json
import logging
import socketserver
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_string
from email.header import decode_header, make_header
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow_local import Doubles, states
from alert_cases import SOURCE, silent_mirror, spoiled_mirror
from conftest import environment
from pytest_httpserver import HTTPServer

from warehouse.build import steps

SECRET = "T000-B000-hush"  # noqa: S105 (not a real secret)


# --- the two channels ---


class MailServer(socketserver.ThreadingTCPServer):
    """A loopback SMTP double: stores the messages, or rejects every recipient."""

    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), MailHandler)
        self.messages: list[str] = []
        self.is_rejecting = False


class MailHandler(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.reply("220 mail server")
        while line := self.rfile.readline().decode().strip():
            command = line.split()[0].upper()
            if command == "RCPT" and self.server.is_rejecting:
                self.reply("550 no such receiver")
                continue
            if command == "DATA":
                self.reply("354 go on")
                body = []
                while (row := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                    body.append(row)
                self.server.messages.append("\n".join(body))
            self.reply("221 bye" if command == "QUIT" else "250 ok")
            if command == "QUIT":
                return

    def reply(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def post_office(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        connection = {
            "conn_type": "smtp",
            "host": "127.0.0.1",
            "port": server.server_address[1],
            "extra": {"disable_ssl": True, "disable_tls": True, "from_email": "warehouse@example.org"},
        }
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
        monkeypatch.setenv("WAREHOUSE_ALERT_EMAIL", "on-call@example.org, desk@example.org")
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def hook(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    httpserver.expect_request(f"/{SECRET}", method="POST").respond_with_data("ok")
    connection = {"conn_type": "slackwebhook", "password": httpserver.url_for(f"/{SECRET}")}
    monkeypatch.setenv("AIRFLOW_CONN_CHAT", json.dumps(connection))
    monkeypatch.setenv("WAREHOUSE_ALERT_SLACK_CONN", "chat")
    return httpserver


def mails(server: MailServer) -> list[str]:
    """Return subject and decoded body of each message."""
    found = []
    for message in server.messages:
        mail = message_from_string(message)
        (part,) = [part for part in mail.walk() if part.get_content_type() == "text/html"]
        subject = make_header(decode_header(mail["Subject"]))
        found.append(f"{subject}\n{part.get_payload(decode=True).decode()}")
    return found


def posts(hook: HTTPServer) -> list[str]:
    return [request.get_json()["text"] for request, _ in hook.log]


def failure(reason: str | None = "the disk is full", task: str = "load") -> dict[str, Any]:
    """Return the context that Airflow passes to a failure callback of a task."""
    instance = SimpleNamespace(dag_id="publish", task_id=task, log_url="http://127.0.0.1/log?try=3&map=-1")
    exception = None if reason is None else RuntimeError(reason)
    return {"task_instance": instance, "run_id": "manual__1", "exception": exception}


# --- messages ---


def test_failed_task_is_reported_by_both_channels(
    tmp_path: Path, dags: dict[str, Any], post_office: MailServer, hook: HTTPServer
) -> None:
    mirror = silent_mirror(tmp_path / "silent")
    with environment(WAREHOUSE_HOME=str(tmp_path / "home"), WAREHOUSE_MIRROR=str(mirror)):
        run = dags[f"ingest_{SOURCE}"].test()
    assert states(run) == {"ingest": "failed"}
    (mail,), (post,) = mails(post_office), posts(hook)
    assert mail.splitlines()[0] == f"Services Trade Warehouse: ingest_{SOURCE}.ingest failed"
    assert "on-call@example.org" in post_office.messages[0] and "desk@example.org" in post_office.messages[0]
    for text in (mail, post):
        assert f"ingest_{SOURCE}, task: ingest, run: {run.run_id}" in text
        assert f"What happened: {SOURCE}: " in text
        assert f"Log: http://localhost:8080/dags/ingest_{SOURCE}/runs/" in text
        assert "What to run next: warehouse alerts" in text
        assert "Runbook: OPERATIONS.md" in text


def test_text_of_a_publisher_is_escaped(
    tmp_path: Path, dags: dict[str, Any], post_office: MailServer, hook: HTTPServer
) -> None:
    mirror = spoiled_mirror(tmp_path / "spoiled")
    with environment(WAREHOUSE_HOME=str(tmp_path / "home"), WAREHOUSE_MIRROR=str(mirror)):
        assert states(dags[f"ingest_{SOURCE}"].test()) == {"ingest": "failed"}
    (mail,), (post,) = mails(post_office), posts(hook)
    for text in (mail, post):
        assert "rejected" in text and "Q{&lt;" in text and "Q{<" not in text


def test_reason_is_not_rendered_as_template(post_office: MailServer, hook: HTTPServer) -> None:
    import notify

    notify.on_task_failure(failure("the roof {{ 7 * 7 }} {% raise %} <b>fell</b> & 'in'"))
    (mail,), (post,) = mails(post_office), posts(hook)
    assert "the roof {{ 7 * 7 }} {% raise %} &lt;b&gt;fell&lt;/b&gt; &amp; &#39;in&#39;" in mail
    assert "the roof {{ 7 * 7 }} {% raise %} &lt;b&gt;fell&lt;/b&gt; &amp; 'in'" in post
    assert "http://127.0.0.1/log?try=3&amp;map=-1" in post


def test_each_failure_in_a_process_has_its_own_message(hook: HTTPServer) -> None:
    import notify

    for task in ("sources", "disk"):
        notify.on_task_failure(failure(f"reason of {task}", task))
    first, second = posts(hook)
    assert "publish.sources failed" in first and "reason of sources" in first
    assert "publish.disk failed" in second and "reason of disk" in second


def test_long_reason_is_cut(hook: HTTPServer) -> None:
    import notify

    notify.on_task_failure(failure("x" * 100_000))
    assert 4000 < len(posts(hook)[0]) < 5000


def test_killed_process_is_reported_without_an_exception(hook: HTTPServer) -> None:
    """The dag-processor runs the callback of a task whose process was killed."""
    import notify

    notify.on_task_failure(failure(None))
    assert "The process of the task was killed" in posts(hook)[0]


def test_callback_of_a_run_reports_only_a_timeout(hook: HTTPServer) -> None:
    import notify

    dag = SimpleNamespace(dag_id="publish", dagrun_timeout=timedelta(hours=12))
    context = {"dag": dag, "run_id": "manual__1+00:00"}
    notify.on_run_failure(context | {"reason": "task_failure"})
    assert posts(hook) == []
    notify.on_run_failure(context | {"reason": "timed_out"})
    (post,) = posts(hook)
    assert "publish timed out" in post and "was stopped after 12:00:00" in post
    assert "/dags/publish/runs/manual__1%2B00%3A00" in post


def test_missed_deadline_is_reported(hook: HTTPServer, post_office: MailServer) -> None:
    import notify

    run = {"dag_id": "publish", "dag_run_id": "asset__1"}
    notify.on_deadline({"dag_run": run, "deadline": {"id": "1", "deadline_time": "2026-06-01 07:00:00"}})
    for text in (*posts(hook), *mails(post_office)):
        assert "publish is late" in text and "2026-06-01 07:00:00" in text and "asset__1" in text
    assert len(posts(hook)) == len(mails(post_office)) == 1


def test_deadline_calls_the_notification_by_a_path_that_every_process_can_import(parsed: Any) -> None:
    from importlib import import_module

    (deadline,) = [parsed.dags["publish"].deadline]
    (alert,) = deadline if isinstance(deadline, list) else [deadline]
    # With DagRunQueuedAtDeadline no task of a failed run can be cleared.
    assert type(alert.reference).__name__ == "AverageRuntimeDeadline"
    module, _, name = alert.callback.path.rpartition(".")
    assert (module, name) == ("notify", "on_deadline")
    assert callable(getattr(import_module(module), name))
    assert alert.interval < parsed.dags["publish"].dagrun_timeout


# --- failing and missing channels ---


def unreachable_webhook() -> str:
    return f"http://127.0.0.1:9/{SECRET}"


WRONG_WEBHOOKS = {
    "connection refused": unreachable_webhook(),
    "no address": SECRET,
    "unknown scheme": f"hush://{SECRET}/x",
}


@pytest.mark.parametrize("kind", ["status 500", *WRONG_WEBHOOKS])
def test_failing_channel_does_not_stop_the_other_and_its_secret_is_not_logged(
    kind: str,
    dags: dict[str, Any],
    doubles: Callable[..., Doubles],
    post_office: MailServer,
    hook: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    doubles(steps, {"load": RuntimeError("the disk is full")})
    hook.clear()
    hook.expect_request(f"/{SECRET}").respond_with_data(f"no_service {SECRET}", status=500)
    if kind in WRONG_WEBHOOKS:
        connection = {"conn_type": "slackwebhook", "password": WRONG_WEBHOOKS[kind]}
        monkeypatch.setenv("AIRFLOW_CONN_CHAT", json.dumps(connection))
    with caplog.at_level(logging.INFO):
        run = dags["publish"].test()
    assert states(run)["load"] == "failed"  # as without a channel
    assert len(mails(post_office)) == 1
    lines = (caplog.text + "".join(capfd.readouterr())).splitlines()
    log = "\n".join(line for line in lines if f"POST /{SECRET} HTTP" not in line)  # the log of the double
    assert "SlackWebhookNotifier could not notify of" in log
    assert "the disk is full" in log
    assert SECRET not in log


def test_rejection_by_mail_server_is_logged_with_its_exception(
    post_office: MailServer, hook: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    import notify

    post_office.is_rejecting = True
    with caplog.at_level(logging.INFO):
        notify.on_task_failure(failure())
    assert len(posts(hook)) == 1 and post_office.messages == []
    assert "SmtpNotifier could not notify of manual__1: SMTPRecipientsRefused" in caplog.text
    assert "SlackWebhookNotifier notified of manual__1" in caplog.text


def test_no_notifier_without_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    import notify

    for empty in ("", " , "):
        monkeypatch.setenv("WAREHOUSE_ALERT_EMAIL", empty)
        monkeypatch.delenv("WAREHOUSE_ALERT_SLACK_CONN", raising=False)
        assert notify.notifiers() == []
        notify.on_task_failure(failure())


def test_success_is_not_reported(
    dags: dict[str, Any], doubles: Callable[..., Doubles], post_office: MailServer, hook: HTTPServer
) -> None:
    doubles(steps, {"load": None})
    assert str(dags["publish"].test().state) == "success"
    assert post_office.messages == [] and posts(hook) == []
