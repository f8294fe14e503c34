"""Whether the database holds the current release: by the history, after copies, rollbacks and refreshes."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import invoke
from conftest import settings_of
from small_homes import EARLIER_RELEASE, RELEASE, make_home

from warehouse import alerts
from warehouse.config import Settings
from warehouse.publication.behind import database_state
from warehouse.releases.history import append_entry
from warehouse.releases.publish import rollback
from warehouse.releases.store import point_latest

ADDRESS = "postgresql://writer:secret@db.example.org/figures"
MASKED = "postgresql://writer@db.example.org/figures"
REFRESH, LATER_REFRESH = "20240503T000000000000Z", "20240504T000000000000Z"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a home with two releases, without a copy in a database."""
    return make_home(tmp_path / "home")


@pytest.fixture
def settings(small: Path) -> Settings:
    return settings_of(small, publish_to=ADDRESS)


def copy(settings: Settings, release: str, address: str = MASKED) -> None:
    """Record a copy as `publish_to` does, without a server."""
    switch = (release, release)
    append_entry(settings.published, "publish-to", release, switch, "tests", "copied", address=address)


def refresh(settings: Settings, before: str, release: str) -> None:
    append_entry(settings.published, "refresh", release, (before, release), "tests", "fresh")
    point_latest(settings.published, release)


def test_without_an_address_nothing_is_said(small: Path) -> None:
    assert database_state(settings_of(small)) is None
    assert "database" not in invoke(small, "status").stdout


def test_a_database_without_a_copy_is_behind(settings: Settings) -> None:
    state = database_state(settings)
    assert state is not None and (state.copied, state.latest, state.is_behind) == (None, RELEASE, True)


def test_a_copy_to_another_database_does_not_count(settings: Settings) -> None:
    copy(settings, RELEASE, "postgresql://writer@other.example.org/figures")
    state = database_state(settings)
    assert state is not None and state.is_behind


def test_a_rollback_leaves_the_database_behind_until_it_is_copied(settings: Settings) -> None:
    copy(settings, RELEASE)
    assert alerts.database_alerts(settings) == []
    rollback(settings.published, EARLIER_RELEASE, "wrong figures", "tests")
    (alert,) = alerts.database_alerts(settings)
    assert alert.command == "warehouse publish-to"
    assert alert.reason == (
        f"database {MASKED}: release {RELEASE}, and `latest` is {EARLIER_RELEASE}. "
        "Copy it with: warehouse publish-to"
    )
    copy(settings, EARLIER_RELEASE)
    assert alerts.database_alerts(settings) == []


def test_a_refresh_of_the_copied_release_is_not_behind(settings: Settings) -> None:
    copy(settings, RELEASE)
    refresh(settings, RELEASE, REFRESH)
    refresh(settings, REFRESH, LATER_REFRESH)
    state = database_state(settings)
    assert state is not None and not state.is_behind and state.latest == LATER_REFRESH
    copy(settings, LATER_REFRESH)
    assert alerts.database_alerts(settings) == []
    copy(settings, EARLIER_RELEASE)
    assert len(alerts.database_alerts(settings)) == 1


def test_rollback_and_status_of_the_command_line_name_the_command(small: Path) -> None:
    copy(settings_of(small), RELEASE)
    shown = invoke(small, "status", WAREHOUSE_PUBLISH_TO=ADDRESS).stdout
    assert f"database {MASKED}: release {RELEASE}\n" in shown
    ended = invoke(small, "rollback", "previous", "--why", "wrong", WAREHOUSE_PUBLISH_TO=ADDRESS)
    assert "Copy it with: warehouse publish-to" in ended.stderr
    state = invoke(small, "status", "--json", WAREHOUSE_PUBLISH_TO=ADDRESS).json["database"]
    assert state == {
        "address": MASKED,
        "copied": RELEASE,
        "latest": EARLIER_RELEASE,
        "is_behind": True,
    }
    assert "secret" not in ended.stderr
    assert "database_behind" in invoke(small, "alerts", WAREHOUSE_PUBLISH_TO=ADDRESS).stdout
