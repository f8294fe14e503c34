"""A managed backfill: a build beside the live warehouse, a comparison, and a person's approval.

Nothing schedules this DAG. While it waits for the answer it takes no slot of a pool, an executor or a
triggerer.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, Param, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from defaults import (
    TASK_TIMEOUT,
    TRANSFORM_TIMEOUT,
    dag_arguments,
    no_retry_on_rejected,
    task_settings,
    triggered_by,
)
from pools import BUILDS

from warehouse.sources import SOURCES

if TYPE_CHECKING:
    from warehouse.backfill.records import Report
    from warehouse.config import Settings

BUILD_TIMEOUT = 2 * TASK_TIMEOUT + TRANSFORM_TIMEOUT  # load, transform and validate in one task
APPROVAL_TIMEOUT = timedelta(days=14)
DAGRUN_TIMEOUT = timedelta(days=16)
TABLES_SHOWN = 15
ANSWER = "answer"
# An address with a user or a password: Airflow keeps the parameters of a run as they are typed.
REFUSED_ADDRESS = r"[A-Za-z][A-Za-z0-9+.-]*:/*[^/?#]*@"
ADDRESS_REMEDY = (
    "On a machine with the home, put the address into WAREHOUSE_MIRROR and run: warehouse backfill start. "
    "If the password was typed here, change it: the audit log of Airflow may have it"
)

DOC = """\
### Backfill a source

Fetches again, or parses again, what was retrieved from `from` to `to` (days of retrieval, both included) into
a build **beside** the live warehouse, and shows what would change. Then it waits up to 14 days for an answer.

| task | what it does | what happens on failure |
|---|---|---|
| `begin` | gathers and validates the vintages; nothing new: the rest is **skipped** | nothing was changed |
| `build` | loads, transforms and validates beside the live build | the build is kept for inspection |
| `compare` | compares every table with the current release | trigger the task again |
| `approval` | waits for **Approve** or **Reject**, with a reason | no answer: decide on the command line |
| `approve` | lands the vintages and publishes the build that was compared | the message names what changed |
| `discard` | after a rejection: removes what the backfill staged | trigger the task again |

**Parameters**: `source`; `from`, `to`; `mirror`, a directory or address of recorded answers (empty: the
publisher, which only serves what it shows today), without a password, which Airflow would keep; `reread`,
fetch nothing and parse the landed files again with the present reader.

**What happens on failure:** landing and releases stay as they are. Only `approve` changes them, and it fails
when the live warehouse has changed since the comparison.

**What to run next:** answer under **Required Actions** of the run, or on the command line:
`warehouse backfill show ID`, then `warehouse backfill approve ID --why …` or
`warehouse backfill discard ID --why …`. After a decision on the command line, answer here in any way: the
run then ends, and the decision stays.
"""
BODY = """\
{{ ti.xcom_pull(task_ids='compare') }}

**Approve** publishes this build. **Reject** discards it. The same on the command line:

- `warehouse backfill approve {{ ti.xcom_pull(task_ids='begin') }} --why "…"`
- `warehouse backfill discard {{ ti.xcom_pull(task_ids='begin') }} --why "…"`
"""


@task.short_circuit
def begin(params: dict[str, Any], dag_run: Any = None) -> str | None:
    """Gather the vintages beside the live landing. The other tasks are skipped when nothing is new."""
    from warehouse.backfill import stage

    settings = task_settings(**triggered_by(dag_run))
    with no_retry_on_rejected():
        backfill = stage.begin(
            settings,
            params["source"],
            params["from"],
            params["to"],
            (without_password(params["mirror"]),),
            params["reread"],
        )
    return None if stage.is_empty(settings, backfill) else backfill


def without_password(mirror: str | None) -> str | None:
    """Return the mirror that a parameter names, None if it is empty.

    Raises AirflowFailException for an address with a password or another secret that the form did not refuse.
    """
    from warehouse.masking import without_secrets

    if mirror and (masked := without_secrets(mirror)) != mirror:
        raise AirflowFailException(
            f"{masked}: has a password, and Airflow keeps the parameters of a run. Delete this run. "
            f"{ADDRESS_REMEDY}."
        )
    return mirror or None


@task(pool=BUILDS, execution_timeout=BUILD_TIMEOUT)
def build(backfill: str, dag_run: Any = None) -> str:
    """Load, transform and validate the build beside the live warehouse."""
    from warehouse.backfill import stage

    with no_retry_on_rejected():
        return stage.build(task_settings(**triggered_by(dag_run)), backfill)


@task
def compare(backfill: str, dag_run: Any = None) -> str:
    """Compare the build with the current release; return what would change, in Markdown."""
    from warehouse.backfill import stage

    with no_retry_on_rejected():
        return describe(stage.compare(task_settings(**triggered_by(dag_run)), backfill))


def describe(report: Report) -> str:
    """Return what a backfill would change, in Markdown."""
    from warehouse.releases.diff import describe_equal

    lines = [f"Build {report.after}, as of {report.as_of}, against release {report.before}.", ""]
    lines += [f"- {pull.subject}: {pull.outcome}; {pull.detail}" for pull in report.pulls or ()]
    lines += ["", "| table | rows added | rows gone | rows changed |", "|---|---:|---:|---:|"]
    lines += [
        f"| {one.table} | {one.rows_added:,} | {one.rows_gone:,} | {one.rows_changed:,} |"
        for one in report.tables[:TABLES_SHOWN]
    ]
    more = len(report.tables) - TABLES_SHOWN
    not_shown = f"{more} more table{'' if more == 1 else 's'} would change. " if more > 0 else ""
    lines += ["", f"{not_shown}{describe_equal(report.tables_equal)}."]
    return "\n".join(lines)


@task(pool=BUILDS)
def approve(ti: Any = None) -> str:
    """Land the vintages and publish the build; return the release. Skipped if it was decided elsewhere."""
    from warehouse.backfill import decide

    with no_retry_on_rejected():
        return decide.approve(*answer(ti))


@task(trigger_rule="all_skipped", pool=BUILDS)
def discard(ti: Any = None) -> None:
    """Remove what the backfill staged. Skipped if it was decided elsewhere."""
    from warehouse.backfill import decide

    decide.discard(*answer(ti))


def answer(ti: Any) -> tuple[Settings, str, str]:
    """Return settings with the person who answered as the operator, the id of the backfill, and the reason.

    Raises AirflowSkipException when the backfill was decided on the command line meanwhile.
    """
    from warehouse.backfill import records

    backfill = ti.xcom_pull(task_ids="begin")
    given = ti.xcom_pull(task_ids="approval", key=ANSWER)
    settings = task_settings(operator=given["person"])
    state = records.state(settings.backfill, backfill)
    if state in records.DECIDED:
        last = records.events(settings.backfill, backfill)[-1]
        raise AirflowSkipException(
            f"Backfill {backfill} is already {state}: by {last.actor} at {last.at:%Y-%m-%d %H:%M} UTC, "
            f"{last.reason}. This answer changes nothing."
        )
    return settings, backfill, given["reason"]


class BackfillApproval(ApprovalOperator):
    """An approval that requires a reason, and pushes who answered and why to XCom.

    Airflow pushes the response of an ApprovalOperator after an approval only, and `discard` needs it as well.
    """

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """Continue after the answer, or after the timeout."""
        if "error" not in event:
            reason = str((event["params_input"] or {}).get("reason") or "").strip()
            if not reason:
                raise AirflowFailException(
                    "The answer has no reason, and a decision needs one. The backfill still waits. Clear the "
                    "task to be asked again, or decide on the command line."
                )
            person = event["responded_by_user"]["name"]
            context["ti"].xcom_push(ANSWER, {"person": person, "reason": reason})
        return super().execute_complete(context, event)


with DAG(
    dag_id="backfill",
    description="Past vintages built beside the live warehouse, compared, and approved by a person",
    schedule=None,
    params={
        "source": Param(
            None, type="string", enum=list(SOURCES), title="Source", description="The source to backfill."
        ),
        "from": Param(None, type="string", format="date", title="From", description="First day."),
        "to": Param(None, type="string", format="date", title="To", description="Last day."),
        "mirror": Param(
            None,
            type=["null", "string"],
            title="Mirror",
            description="Directory or address of recorded answers, without a password. "
            "Empty means the publisher.",
            # Airflow checks the pattern before it stores the run; its error has the comment.
            pattern=f"^(?!{REFUSED_ADDRESS})",
            **{"$comment": f"An address with a password is refused. {ADDRESS_REMEDY}."},
        ),
        "reread": Param(
            False,
            type="boolean",
            title="Parse again",
            description="Fetch nothing, and parse the landed files again with the present reader.",
        ),
    },
    tags=["backfill"],
    doc_md=DOC,
    # A run waits for days; a second backfill must not wait for its answer.
    **dag_arguments(dagrun_timeout=DAGRUN_TIMEOUT, max_active_runs=4),
):
    compared = compare(build(begin()))
    approval = BackfillApproval(
        task_id="approval",
        subject="Approve the backfill of {{ params.source }}, {{ params.from }} to {{ params.to }}?",
        body=BODY,
        params={
            "reason": Param("", type="string", title="Reason", description="Recorded with the decision.")
        },
        response_timeout=APPROVAL_TIMEOUT,
        retries=0,
        doc_md="Waits for a person. Without an answer in 14 days it fails, and the backfill still waits.",
    )
    # A rejection skips the task after `approval`; this one lets `discard` run then, and only then.
    approved = EmptyOperator(task_id="approved", doc_md="Skipped after a rejection.")
    compared >> approval >> approved >> [approve(), discard()]
