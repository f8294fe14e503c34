"""For tests that run DAGs: the DAG folder, its metadata, doubles for the steps, and the states of a run."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from warehouse.config import PROJECT_ROOT

DAGS = PROJECT_ROOT / "dags"


class Doubles:
    """Doubles for functions of a module: they record each call without the settings and return an answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: Any, answers: dict[str, Any]) -> None:
        self.answers, self.calls, self.settings = answers, list[tuple[Any, ...]](), list[Any]()
        for name in answers:
            monkeypatch.setattr(module, name, partial(self.answer, name))

    def answer(self, name: str, settings: Any, *arguments: Any) -> Any:
        self.calls.append((name, *arguments))
        self.settings.append(settings)
        answer = self.answers[name]
        if isinstance(answer, Exception):
            raise answer
        return answer(settings, *arguments) if callable(answer) else answer


def copy_metadata(home: Path, copy: Path) -> None:
    """Copy Airflow's metadata database from a home of Airflow into another."""
    copy.mkdir(parents=True, exist_ok=True)
    with (
        closing(sqlite3.connect(home / "airflow.db")) as database,
        closing(sqlite3.connect(copy / "airflow.db")) as copied,
    ):
        database.backup(copied)  # with what is in the write-ahead log
    shutil.copyfile(home / "migrated", copy / "migrated")


def states(run: Any) -> dict[str, str]:
    """Return the state of each task of a run."""
    return {instance.task_id: str(instance.state) for instance in run.get_task_instances()}
