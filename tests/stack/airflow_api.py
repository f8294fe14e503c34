"""Requests to the API of the stack's Airflow, as the admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from stack_processes import Stack

ADMIN = "analyst"


def login(stack: Stack, password: str) -> requests.Response:
    return requests.post(
        f"{stack.page}/auth/token", json={"username": ADMIN, "password": password}, timeout=30
    )


def token_of(stack: Stack) -> str:
    """Return a token of the admin."""
    answer = login(stack, (stack.secrets / "admin_password").read_text())
    assert answer.status_code == 201, answer.text
    return answer.json()["access_token"]


def api(
    stack: Stack, token: str, path: str, change: dict[str, Any] | None = None, method: str = ""
) -> dict[str, Any]:
    answer = requests.request(
        method or ("GET" if change is None else "PATCH"),
        f"{stack.page}/api/v2/{path}",
        json=change,
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def runs(stack: Stack, token: str, dag: str) -> list[dict[str, Any]]:
    return api(stack, token, f"dags/{dag}/dagRuns?order_by=run_after&limit=100")["dag_runs"]


def parsed(stack: Stack, token: str) -> dict[str, dict[str, Any]]:
    return {run["dag_id"]: run for run in api(stack, token, "dags?limit=100")["dags"]}


def ended(stack: Stack, token: str, dag: str) -> list[dict[str, Any]]:
    return [run for run in runs(stack, token, dag) if run["state"] in ("success", "failed")]


def trigger(stack: Stack, token: str, dag: str, conf: dict[str, Any]) -> str:
    """Start a run by the API; return its path."""
    run = api(stack, token, f"dags/{dag}/dagRuns", {"logical_date": None, "conf": conf}, "POST")
    return f"dags/{dag}/dagRuns/{run['dag_run_id']}"


def task_states(stack: Stack, token: str, run: str) -> dict[str, str]:
    found = api(stack, token, f"{run}/taskInstances")["task_instances"]
    return {task["task_id"]: task["state"] for task in found}
