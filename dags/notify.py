"""Notification of failures by Airflow's notifiers: mail, and a Slack-compatible webhook.

- `WAREHOUSE_ALERT_EMAIL`: comma-separated addresses, by the SMTP connection `WAREHOUSE_ALERT_SMTP_CONN`
  (default `smtp_default`);
- `WAREHOUSE_ALERT_SLACK_CONN`: id of a connection of type Slack Incoming Webhook.

With neither, a failure is only in Airflow's log. The callbacks create notifiers at each call, since a
notifier keeps the text that it rendered first. A notifier that fails never changes the outcome of a task.
Only the kind of its error is logged: its text may contain the address of the webhook.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import BaseNotifier

LOG = logging.getLogger(__name__)
SILENT = logging.getLogger(f"{__name__}.silent")
SILENT.setLevel(logging.CRITICAL + 1)
TIMEOUT_SECONDS = 30
REASON_LIMIT = 4000

SUBJECT = "Services Trade Warehouse: {{ dag_id }}{{ '.' + task_id if task_id }} {{ state }}"
BODY = """\
DAG: {{ dag_id }}{{ ', task: ' + task_id if task_id }}, run: {{ run_id | FILTER }}
What happened: {{ reason | FILTER }}
Log: {{ log_url | FILTER }}
What to run next: warehouse alerts (shows everything that is wrong now)
Runbook: OPERATIONS.md, section Alerts"""
# The reason may quote a publisher's payload. It is a value of the template, and never a template itself.
HTML = f'<pre style="white-space: pre-wrap">{BODY.replace("FILTER", "e")}</pre>'
# Slack's own rule: only these three characters are escaped.
SLACK_ESCAPES = "replace('&', '&amp;') | replace('<', '&lt;') | replace('>', '&gt;')"
SLACK = f"*{SUBJECT}*\n{BODY.replace('FILTER', SLACK_ESCAPES)}"


def notifiers() -> list[BaseNotifier]:
    """Return a new notifier for each configured channel."""
    found: list[BaseNotifier] = []
    addresses = [
        part.strip() for part in os.environ.get("WAREHOUSE_ALERT_EMAIL", "").split(",") if part.strip()
    ]
    if addresses:
        from airflow.providers.smtp.notifications.smtp import SmtpNotifier

        connection = os.environ.get("WAREHOUSE_ALERT_SMTP_CONN") or "smtp_default"
        found.append(SmtpNotifier(to=addresses, subject=SUBJECT, html_content=HTML, smtp_conn_id=connection))
    if connection := os.environ.get("WAREHOUSE_ALERT_SLACK_CONN"):
        from airflow.providers.slack.notifications.slack_webhook import SlackWebhookNotifier

        found.append(
            SlackWebhookNotifier(slack_webhook_conn_id=connection, text=SLACK, timeout=TIMEOUT_SECONDS)
        )
    return found


def send(facts: dict[str, str]) -> None:
    """Send one message by each channel. A channel that fails is logged and stops no other."""
    for notifier in notifiers():
        name = type(notifier).__name__
        try:
            if client := getattr(notifier.hook, "client", None):
                client.logger = SILENT  # Slack's client logs the address of the webhook
            notifier.render_template_fields(dict(facts))
            notifier.notify(dict(facts))  # not called as a function: that would log the text of an error
        except Exception as error:  # noqa: BLE001 - whatever a server does, the task's outcome stays
            code = getattr(error, "smtp_code", None) or getattr(error, "errno", None)
            kind = f"{type(error).__name__}{f' {code}' if code else ''}"
            LOG.error("%s could not notify of %s: %s", name, facts["run_id"], kind)
        else:
            LOG.info("%s notified of %s.", name, facts["run_id"])


def on_task_failure(context: dict[str, Any]) -> None:
    """Notify of a task that failed after its last try."""
    instance = context["task_instance"]
    reason = str(
        context.get("exception") or "The process of the task was killed, or its exception is unknown."
    )
    send(
        {
            "dag_id": instance.dag_id,
            "task_id": instance.task_id,
            "run_id": str(context["run_id"]),
            "state": "failed",
            "reason": reason[:REASON_LIMIT],
            "log_url": instance.log_url,
        }
    )


def on_run_failure(context: dict[str, Any]) -> None:
    """Notify of a run that was stopped by its `dagrun_timeout`; its tasks notify of every other failure."""
    if context.get("reason") != "timed_out":
        return
    dag = context["dag"]
    send(
        {
            "dag_id": dag.dag_id,
            "task_id": "",
            "run_id": str(context["run_id"]),
            "state": "timed out",
            "reason": f"The run was stopped after {dag.dagrun_timeout}. Its unfinished tasks were skipped.",
            "log_url": run_url(dag.dag_id, str(context["run_id"])),
        }
    )


def on_deadline(context: dict[str, Any]) -> None:
    """Notify of a run that has not ended at its deadline. It goes on."""
    run, deadline = context["dag_run"], context["deadline"]["deadline_time"]
    send(
        {
            "dag_id": run["dag_id"],
            "task_id": "",
            "run_id": run["dag_run_id"],
            "state": "is late",
            "reason": f"The run has not ended at its deadline, {deadline}. It goes on.",
            "log_url": run_url(run["dag_id"], run["dag_run_id"]),
        }
    )


def run_url(dag_id: str, run_id: str) -> str:
    """Return the page of a run."""
    from urllib.parse import quote

    from airflow.configuration import conf

    base = conf.get("api", "base_url", fallback="").rstrip("/")
    return f"{base}/dags/{quote(dag_id)}/runs/{quote(run_id)}"
