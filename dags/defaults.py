"""What every DAG of this folder shares: limits, retries, owner, assets and alerts.

Keeps: the asset of a source; the arguments of every DAG and task; which failures are worth a retry;
the failure callbacks, which send through Airflow's own notifiers when an operator has configured one:

- `WAREHOUSE_ALERT_EMAIL`: comma-separated addresses, by the SMTP connection `WAREHOUSE_ALERT_SMTP_CONN`
  (default `smtp_default`);
- `WAREHOUSE_ALERT_SLACK_CONN`: a connection id of type Slack Incoming Webhook (any compatible service).

Refuses: to hide a failure (a callback that cannot send is logged by Airflow and the task stays failed),
and to render a message as a template: its text quotes publishers' payloads.
"""

from __future__ import annotations

import html
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowFailException

from warehouse.source import Rejected

Context = Any  # Airflow's mapping of a run's facts; a DAG-level callback gets only part of it

log = logging.getLogger(__name__)

OWNER = "services-trade"
DAGRUN_TIMEOUT = timedelta(hours=6)  # a night that starts at 03:00 is over before the office opens
SEND_TIMEOUT_SECONDS = 30


def landing_asset(source: str) -> Asset:
    """Return the asset that an accepted vintage of `source` updates."""
    return Asset(name=source, uri=f"warehouse://landing/{source}", group="landing")


@contextmanager
def judgements_are_final() -> Iterator[None]:
    """Fail without a retry on `Rejected`: the same rows would be judged the same way again.

    Every other failure (a wire, a disk, another build at work) may be over in five minutes, and is retried.
    """
    try:
        yield
    except Rejected as error:
        raise AirflowFailException(str(error)) from error


def dag_arguments(stands: str) -> dict[str, Any]:
    """Return the arguments that every DAG takes; `stands` says what a failure leaves in force.

    Retries double their pause: 5, then 10 minutes. A failed task alerts once, after its last try; the DAG's
    own callback adds only what no task can report: a run stopped by its timeout.
    """
    return {
        "catchup": False,
        "max_active_runs": 1,
        "dagrun_timeout": DAGRUN_TIMEOUT,
        "on_failure_callback": [partial(alert_timeout, stands=stands)],
        "default_args": {
            "owner": OWNER,
            "retries": 2,
            "retry_delay": timedelta(minutes=5),
            "retry_exponential_backoff": 2,
            "max_retry_delay": timedelta(hours=1),
            "execution_timeout": timedelta(hours=1),
            "on_failure_callback": [
                partial(alert_by_email, stands=stands),
                partial(alert_by_webhook, stands=stands),
            ],
        },
    }


def message(context: Context, stands: str) -> tuple[str, str]:
    """Return subject and text of an alert: what happened, what stands, what to run next."""
    dag_id = context["dag"].dag_id
    instance = context.get("task_instance")
    if context.get("reason") == "timed_out":
        what = f"{dag_id}: the run was stopped after {DAGRUN_TIMEOUT}"
        reason = "Its unfinished tasks were ended."
    else:
        what = f"{dag_id}: task {instance.task_id} failed"
        reason = f"{context.get('exception') or 'No exception was handed over: the process was killed.'}"
    lines = [
        f"What happened: {what}. {reason}",
        f"What stands: {stands}",
        "What to run next: `warehouse status` shows what is in force; when the cause is mended, "
        f"`airflow dags trigger {dag_id}`.",
        f"Run: {context['run_id']}",
    ]
    if instance is not None:
        lines.append(f"Log: {instance.log_url}")
    return f"[services-trade-warehouse] {what}", "\n".join(lines)


def alert_by_email(context: Context, *, stands: str) -> None:
    """Send the alert by Airflow's SMTP notifier, when `WAREHOUSE_ALERT_EMAIL` names a receiver."""
    receivers = [a.strip() for a in os.environ.get("WAREHOUSE_ALERT_EMAIL", "").split(",") if a.strip()]
    if not receivers:
        log.info("No alert by e-mail: WAREHOUSE_ALERT_EMAIL is not set.")
        return
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    subject, text = message(context, stands)
    SmtpNotifier(
        to=receivers,
        subject=subject,
        html_content=f'<pre style="white-space: pre-wrap">{html.escape(text)}</pre>',
        smtp_conn_id=os.environ.get("WAREHOUSE_ALERT_SMTP_CONN") or "smtp_default",
    ).notify(context)  # not called: calling renders the text as a template
    log.info("Alert sent by e-mail to %s.", ", ".join(receivers))


def alert_by_webhook(context: Context, *, stands: str) -> None:
    """Send the alert by Airflow's Slack webhook notifier, when `WAREHOUSE_ALERT_SLACK_CONN` is set."""
    connection = os.environ.get("WAREHOUSE_ALERT_SLACK_CONN", "")
    if not connection:
        log.info("No alert by webhook: WAREHOUSE_ALERT_SLACK_CONN is not set.")
        return
    from airflow.providers.slack.notifications.slack_webhook import SlackWebhookNotifier

    subject, text = message(context, stands)
    SlackWebhookNotifier(
        slack_webhook_conn_id=connection,
        text=html.escape(f"*{subject}*\n{text}", quote=False),  # Slack's own rule: only & < > are escaped
        timeout=SEND_TIMEOUT_SECONDS,
    ).notify(context)
    log.info("Alert sent by webhook connection %s.", connection)


def alert_timeout(context: Context, *, stands: str) -> None:
    """Alert for a run that hit its timeout; every other failure was told by the task that failed."""
    if context.get("reason") == "timed_out":
        alert_by_email(context, stands=stands)
        alert_by_webhook(context, stands=stands)
