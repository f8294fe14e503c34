"""Delivery of alerts through Airflow's own notifiers: not a DAG file.

Keeps: what is wrong is asked of `pipeline` and sent as one message to each channel that has not heard of it:

- `WAREHOUSE_ALERT_EMAIL`: comma-separated addresses, by the SMTP connection `WAREHOUSE_ALERT_SMTP_CONN`
  (default `smtp_default`);
- `WAREHOUSE_ALERT_SLACK_CONN`: a connection id of type Slack Incoming Webhook (any compatible service);
- neither: Airflow's log alone. `warehouse alerts` shows them all the same.

Refuses: to fail the task that alerts. A channel that can't be reached is on record with the kind of its
error, never its text, which may quote a webhook's address; the next message tries it again. A message is
never rendered as a template: its text quotes publishers' payloads.
"""

from __future__ import annotations

import html
import logging
import os
from datetime import timedelta
from typing import Any

Context = Any  # Airflow's mapping of a run's facts; a DAG-level callback gets only part of it

log = logging.getLogger(__name__)

SEND_TIMEOUT_SECONDS = 30
EMAIL, WEBHOOK, LOG = "email", "webhook", "log"


def channels() -> list[str]:
    """Return the channels that an operator has configured; the log alone when there are none."""
    found = [EMAIL] if receivers() else []
    if os.environ.get("WAREHOUSE_ALERT_SLACK_CONN"):
        found.append(WEBHOOK)
    return found or [LOG]


def receivers() -> list[str]:
    """Return the addresses that mail goes to."""
    return [one.strip() for one in os.environ.get("WAREHOUSE_ALERT_EMAIL", "").split(",") if one.strip()]


def step_failed(context: Context, *, stands: str) -> None:
    """Tell of a task that failed, after its last try, and of whatever else is untold."""
    instance = context["task_instance"]
    reason = context.get("exception") or "No exception was handed over: the process was killed."
    told = f"{reason} Run {context['run_id']}, log {instance.log_url}"
    tell_of(context, instance.task_id, told, stands)


def run_timed_out(context: Context, *, stands: str) -> None:
    """Tell of a run that hit its timeout; every other failure was told by the task that failed."""
    if context.get("reason") == "timed_out":
        limit: timedelta = context["dag"].dagrun_timeout
        told = f"The run {context['run_id']} was stopped after {limit}; its unfinished tasks were ended."
        tell_of(context, "run", told, stands)


def step_succeeded(context: Context) -> None:
    """Take a failure of this task off the record; after a publish, tell what the release brought."""
    from warehouse import pipeline

    instance = context["task_instance"]
    pipeline.step_ended_well(context["dag"].dag_id, instance.task_id)
    if instance.dag_id == "publish" and instance.task_id == "publish":
        tell(context)


def tell_of(context: Context, task: str, reason: str, stands: str) -> None:
    """Put a failure on record and tell of it."""
    from warehouse import pipeline

    tell(context, pipeline.step_ended_badly(context["dag"].dag_id, task, reason, stands))


def tell(context: Context, failed: Any = None) -> dict[str, int]:
    """Send each channel what it has not heard of; return how many alerts each was sent."""
    from warehouse import pipeline

    sent = {}
    for channel, alerts in pipeline.untold(channels(), failed).items():
        reason = send(channel, *pipeline.letter(alerts), context)
        pipeline.told(channel, alerts, reason)
        if not reason:
            sent[channel] = len(alerts)
    return sent


def send(channel: str, subject: str, text: str, context: Context) -> str:
    """Send one message by a channel; return why it could not be sent, or nothing."""
    try:
        {EMAIL: by_email, WEBHOOK: by_webhook, LOG: by_log}[channel](subject, text, context)
    except Exception as error:  # noqa: BLE001 - whatever a mail server does, the task's outcome stands
        code = getattr(error, "smtp_code", None) or getattr(error, "errno", None)
        reason = f"{type(error).__name__}{f' {code}' if code else ''}"
        log.error("The alert %r could not be sent by %s: %s", subject, channel, reason)
        return reason
    log.info("The alert %r was sent by %s.", subject, channel)
    return ""


def by_email(subject: str, text: str, context: Context) -> None:
    """Send by Airflow's SMTP notifier."""
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    SmtpNotifier(
        to=receivers(),
        subject=subject,
        html_content=f'<pre style="white-space: pre-wrap">{html.escape(text)}</pre>',
        smtp_conn_id=os.environ.get("WAREHOUSE_ALERT_SMTP_CONN") or "smtp_default",
    ).notify(context)  # not called: calling renders the text as a template


def by_webhook(subject: str, text: str, context: Context) -> None:
    """Send by Airflow's Slack webhook notifier."""
    from airflow.providers.slack.notifications.slack_webhook import SlackWebhookNotifier

    SlackWebhookNotifier(
        slack_webhook_conn_id=os.environ["WAREHOUSE_ALERT_SLACK_CONN"],
        text=html.escape(f"*{subject}*\n{text}", quote=False),  # Slack's own rule: only & < > are escaped
        timeout=SEND_TIMEOUT_SECONDS,
    ).notify(context)


def by_log(subject: str, text: str, context: Context) -> None:
    """Write to Airflow's log, where nothing else is configured."""
    log.warning(
        "%s\n%s\nNobody was told: set WAREHOUSE_ALERT_EMAIL or WAREHOUSE_ALERT_SLACK_CONN.", subject, text
    )
