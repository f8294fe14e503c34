"""A managed backfill by hand: a build beside the live one, what it would change, and a person's word on it.

Two DAGs that nothing schedules. `backfill` gathers, builds and compares, and leaves the result waiting; its
runs change neither landing nor releases. `backfill_decide` approves or discards what waits: a run of its own,
since a decision may take days, and a task that waits for it would hold a slot or run into its timeout.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Param, task
from defaults import dag_arguments, judgements_are_final

from warehouse.sources import SOURCES

DOC = """\
### Backfill a source

Fetches, replays or reads again what was retrieved from `from` to `to` (days of retrieval, both included) into
a build **beside** the live one, and tells what would change. Then it waits for `backfill_decide`.

| task | what it does | when it fails |
|---|---|---|
| `begin` | gathers and judges the vintages; nothing new: the rest is **skipped** | a refusal is final |
| `build` | loads, transforms and validates beside the live build | tests or gate: kept to be looked at |
| `compare` | tables, rows, cells and biggest moves against the standing release | another release came |

**Parameters**: `source`; `from`, `to`; `mirror`, a folder or address that answers in the publisher's place
(empty: the publisher itself, which only shows today); `reread`, fetch nothing and read the landing with
today's reader.

**What stands on failure:** everything. Landing, builds and releases are not touched before an approval.

**What to run next:** `warehouse backfill show ID`, then this installation's `backfill_decide`, or
`warehouse backfill approve ID --why …` or `warehouse backfill discard ID --why …`.
"""

DECIDE_DOC = """\
### Decide on a backfill

**Approve** lands what the backfill brings and publishes the very build that was shown; refused when the live
warehouse has changed since. **Discard** removes what it made. Both are on record, with who, when and why.

**What stands on failure:** the published release and every accepted vintage.

**What to run next:** `warehouse backfill show ID` names what is in the way; discard it and ask again, or
trigger this DAG again after an approval that was cut off.
"""


@task.short_circuit
def begin(params: dict[str, Any]) -> str | None:
    """Gather the vintages beside the live landing; None when nothing is new, and the rest is skipped."""
    from warehouse import pipeline

    with judgements_are_final():
        return pipeline.backfill_begin(
            params["source"], params["from"], params["to"], (params["mirror"] or None,), params["reread"]
        )


@task
def build(backfill: str) -> str:
    """Load, transform and validate beside the live build."""
    from warehouse import pipeline

    with judgements_are_final():
        return pipeline.backfill_build(backfill)


@task
def compare(backfill: str) -> str:
    """Compare with the standing release, and let it wait; return the backfill's id."""
    from warehouse import pipeline

    with judgements_are_final():
        return str(pipeline.backfill_compare(backfill)["id"])


@task
def decide(params: dict[str, str]) -> str | None:
    """Approve, and return the release, or discard."""
    from warehouse import pipeline

    with judgements_are_final():
        if params["decision"] == "approve":
            return pipeline.approve_backfill(params["backfill"], params["why"])
        pipeline.discard_backfill(params["backfill"], params["why"])
        return None


with DAG(
    dag_id="backfill",
    description="A build of past vintages beside the live one, compared and left waiting",
    schedule=None,
    params={
        "source": Param(
            None, type="string", enum=list(SOURCES), title="Source", description="What to backfill."
        ),
        "from": Param(None, type="string", format="date", title="From", description="First day."),
        "to": Param(None, type="string", format="date", title="To", description="Last day."),
        "mirror": Param(
            None,
            type=["null", "string"],
            title="Mirror",
            description="A folder or address of recorded answers. Leave empty for the publisher.",
        ),
        "reread": Param(
            False, type="boolean", title="Read again", description="Fetch nothing: read with today's reader."
        ),
    },
    tags=["backfill"],
    doc_md=DOC,
    **dag_arguments(
        stands="everything; a backfill touches neither landing nor releases before it is approved."
    ),
):
    compare(build(begin()))

with DAG(
    dag_id="backfill_decide",
    description="Approve or discard a backfill that waits",
    schedule=None,
    params={
        "backfill": Param(None, type="string", minLength=1, title="Backfill", description="Its id."),
        "decision": Param(None, type="string", enum=["approve", "discard"], title="Decision"),
        "why": Param(None, type="string", minLength=1, title="Why", description="Goes on record."),
    },
    tags=["backfill"],
    doc_md=DECIDE_DOC,
    **dag_arguments(stands="the published release and every accepted vintage."),
):
    decide()
