"""The command `publish-to` before it reaches a server; tests/stack has the publications themselves."""

from __future__ import annotations

from pathlib import Path

from command_line import invoke
from small_homes import RELEASE

UNREACHABLE = "postgresql://writer:secret@127.0.0.1:1/figures"  # no server listens on this port


def test_address_is_required_by_argument_or_setting(small: Path) -> None:
    assert "WAREHOUSE_PUBLISH_TO" in invoke(small, "publish-to", exit_code=2).stderr
    shown = invoke(small, "publish-to", exit_code=1, WAREHOUSE_PUBLISH_TO=UNREACHABLE).stderr
    assert "postgresql://writer@127.0.0.1:1/figures: no connection" in shown and "secret" not in shown


def test_address_of_another_kind_is_rejected(small: Path) -> None:
    shown = invoke(small, "publish-to", "mysql://writer:secret@127.0.0.1/figures", exit_code=1).stderr
    assert "must begin with postgresql://" in shown and "secret" not in shown


def test_unknown_release_is_rejected_with_those_that_exist(small: Path) -> None:
    shown = invoke(small, "publish-to", UNREACHABLE, "--release", "20000101", exit_code=2).stderr
    assert "no release '20000101'" in shown and RELEASE in shown


def test_failed_copy_is_not_in_the_history(small: Path) -> None:
    history = small / "published" / "history.jsonl"
    before = history.read_text()
    invoke(small, "publish-to", UNREACHABLE, exit_code=1)
    assert history.read_text() == before


def test_settings_do_not_show_the_password() -> None:
    from warehouse.config import Settings

    settings = Settings(publish_to=UNREACHABLE)
    assert "secret" not in repr(settings) + settings.model_dump_json()
