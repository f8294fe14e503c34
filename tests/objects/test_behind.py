"""Whether the bucket has the current release: by what the home records, without a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import invoke
from conftest import settings_of
from small_homes import EARLIER_RELEASE, RELEASE, make_home

from warehouse import alerts
from warehouse.config import Settings
from warehouse.errors import WarehouseError
from warehouse.files import write_record
from warehouse.objects.behind import objects_state
from warehouse.objects.lineage import LINEAGE, Lineage
from warehouse.releases.history import append_entry
from warehouse.releases.publish import rollback
from warehouse.releases.store import point_latest

ADDRESS = "s3://figures/warehouse"
REFRESH = "20240503T000000000000Z"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return the settings of a home with two releases, of which nothing was pushed."""
    return settings_of(make_home(tmp_path / "home"), objects=f"{ADDRESS}/")


def record(settings: Settings, release: str | None, address: str = ADDRESS) -> None:
    """Record a push as `push` does, without a server."""
    write_record(settings.home / LINEAGE, Lineage(address=address, states=("0",), release=release))


def test_without_an_address_nothing_is_said(settings: Settings) -> None:
    assert objects_state(settings_of(settings.home)) is None
    assert "bucket" not in invoke(settings.home, "status").stdout


@pytest.mark.parametrize(("release", "address"), [(None, ADDRESS), (RELEASE, "s3://other/warehouse")])
def test_a_push_that_has_not_ended_or_went_elsewhere_does_not_count(
    settings: Settings, release: str | None, address: str
) -> None:
    record(settings, release, address)
    state = objects_state(settings)
    assert state is not None and (state.pushed, state.latest, state.is_behind) == (None, RELEASE, True)


def test_a_rollback_leaves_the_bucket_behind_until_it_is_pushed(settings: Settings) -> None:
    record(settings, RELEASE)
    assert alerts.objects_alerts(settings) == []
    rollback(settings.published, EARLIER_RELEASE, "wrong figures", "tests")
    (alert,) = alerts.objects_alerts(settings)
    assert alert.command == "warehouse objects push"
    assert alert.reason == (
        f"bucket {ADDRESS}: release {RELEASE}, and `latest` is {EARLIER_RELEASE}. "
        "Push it with: warehouse objects push"
    )
    record(settings, EARLIER_RELEASE)
    assert alerts.objects_alerts(settings) == []


def test_a_refresh_of_the_pushed_release_is_not_behind(settings: Settings) -> None:
    record(settings, RELEASE)
    append_entry(settings.published, "refresh", REFRESH, (RELEASE, REFRESH), "tests", "fresh")
    point_latest(settings.published, REFRESH)
    state = objects_state(settings)
    assert state is not None and not state.is_behind and state.latest == REFRESH


def test_rollback_and_status_of_the_command_line_name_the_command(settings: Settings) -> None:
    record(settings, RELEASE)
    home = settings.home
    assert (
        f"bucket {ADDRESS}: release {RELEASE}\n" in invoke(home, "status", WAREHOUSE_OBJECTS=ADDRESS).stdout
    )
    ended = invoke(home, "rollback", "previous", "--why", "wrong", WAREHOUSE_OBJECTS=ADDRESS)
    assert "Push it with: warehouse objects push" in ended.stderr
    state = invoke(home, "status", "--json", WAREHOUSE_OBJECTS=ADDRESS).json["objects"]
    assert state == {"address": ADDRESS, "pushed": RELEASE, "latest": EARLIER_RELEASE, "is_behind": True}
    assert "objects_behind" in invoke(home, "alerts", WAREHOUSE_OBJECTS=ADDRESS).stdout


def test_address_with_credentials_is_rejected_and_not_shown(settings: Settings) -> None:
    wrong = settings_of(settings.home, objects="s3://key:secret@figures")
    with pytest.raises(WarehouseError, match="must be s3://bucket") as raised:
        objects_state(wrong)
    assert "secret" not in str(raised.value) + repr(wrong) + wrong.model_dump_json()
    shown = invoke(settings.home, "status", exit_code=1, WAREHOUSE_OBJECTS="s3://key:secret@figures").stderr
    assert "must be s3://bucket" in shown and "secret" not in shown.replace("AWS_SECRET_ACCESS_KEY", "")
