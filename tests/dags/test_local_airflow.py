"""`offer_newest_api` offers tasks the version that they ask for. That it answers, each run of a DAG shows."""

from __future__ import annotations


def test_version_that_tasks_ask_for_is_offered_without_those_between() -> None:
    from airflow.api_fastapi.execution_api import versions
    from airflow.sdk.api.datamodels._generated import API_VERSION

    newest, oldest = versions.bundle.versions
    assert newest.value == API_VERSION
    assert oldest.value < newest.value
