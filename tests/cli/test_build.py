"""The commands build and publish. Only the id of a build is accepted, never a path."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command_line import invoke
from small_homes import EARLIER_RELEASE, RELEASE

from warehouse.build import steps

BUILD = "20240601T000000000000Z"


def everything(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.name != ".lock" and path.name != "build"}


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, object]]:
    """Replace the steps of a build by their names; return the calls."""
    calls: list[tuple[str, object]] = []
    monkeypatch.setattr(
        steps, "load", lambda settings, as_of, force: calls.append(("load", (as_of, force))) or BUILD
    )
    for name in ("transform", "validate", "publish"):
        monkeypatch.setattr(
            steps, name, lambda settings, build, name=name: calls.append((name, build)) or build
        )
    return calls


def test_missing_vintage_is_reported_with_next_command(tmp_path: Path) -> None:
    for command in ("build", "publish"):
        assert "Fetch one with: warehouse fetch" in invoke(tmp_path, command, exit_code=1).stderr


def test_build_prints_the_id_and_the_command_that_publishes_it(
    tmp_path: Path, built: list[tuple[str, object]]
) -> None:
    shown = invoke(tmp_path, "build", "--as-of", "2024-07-11", "--force").stdout
    assert shown == f"built and validated: {BUILD}\npublish it with: warehouse publish {BUILD}\n"
    assert built == [("load", ("2024-07-11", True)), ("transform", BUILD), ("validate", BUILD)]
    assert invoke(tmp_path, "build", "--json").json == {
        "build": BUILD,
        "database": str(tmp_path / "build" / BUILD / "warehouse.duckdb"),
    }


def test_publish_builds_only_without_an_id(tmp_path: Path, built: list[tuple[str, object]]) -> None:
    assert f"published: {BUILD}\n" in invoke(tmp_path, "publish", BUILD).stdout
    assert built == [("publish", BUILD)]
    assert invoke(tmp_path, "publish", "--json").json == {"release": BUILD, "latest": None}
    assert [name for name, _ in built[1:]] == ["load", "transform", "validate", "publish"]


def test_publish_says_which_release_readers_are_served(
    small: Path, built: list[tuple[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "publish", lambda settings, build: build)
    assert "readers" not in invoke(small, "publish", RELEASE).stdout
    shown = invoke(small, "publish", EARLIER_RELEASE).stdout
    assert f"\nreaders are served {RELEASE}, which stays current\n" in shown and "rollback" not in shown
    invoke(small, "rollback", EARLIER_RELEASE, "--why", "wrong figures")
    shown = invoke(small, "publish", RELEASE).stdout
    assert f"\nreaders are served {EARLIER_RELEASE}, which stays current\n" in shown
    assert f"To serve it again: warehouse rollback {RELEASE} --why" in shown


@pytest.mark.parametrize("option", [("--as-of", "2024-07-11"), ("--force",)])
def test_publish_of_a_build_rejects_the_options_of_a_new_build(
    option: tuple[str, ...], tmp_path: Path, built: list[tuple[str, object]]
) -> None:
    ended = invoke(tmp_path, "publish", BUILD, *option, exit_code=2)
    assert "--as-of and --force are for a new build" in " ".join(ended.stderr.split())
    assert built == []
    invoke(tmp_path, "publish", *option)
    assert [name for name, _ in built] == ["load", "transform", "validate", "publish"]


def test_reason_is_printed_when_nothing_is_new(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "load", lambda settings, as_of, force: None)
    shown = invoke(small, "build").stdout
    assert (
        shown == "nothing has changed since the current release. To build anyway: warehouse build --force\n"
    )
    assert invoke(small, "build", "--json").json == {"build": None, "database": None}
    invoke(small, "rollback", "previous", "--why", "the ranks are wrong", WAREHOUSE_OPERATOR="ada@desk")
    shown = invoke(small, "publish").stdout
    assert f"Release {RELEASE} was rolled back by ada@desk (the ranks are wrong)" in shown
    assert invoke(small, "publish", "--json").json == {"release": None, "latest": EARLIER_RELEASE}


@pytest.mark.parametrize(
    "build",
    [
        "{elsewhere}",
        "{home}/published/" + RELEASE,
        "{home}/build/" + RELEASE,
        f"../published/{RELEASE}",
        f"./{RELEASE}",
        f"{RELEASE}/",
        "../..",
        ".",
    ],
)
def test_path_is_rejected_as_build_id_and_no_file_is_removed(build: str, small: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / RELEASE
    shutil.copytree(small / "published" / RELEASE, elsewhere)
    before = everything(tmp_path)
    assert len(before) > 50
    arguments = ("publish", build.format(elsewhere=elsewhere, home=small))
    ended = invoke(small, *arguments, exit_code=2)
    assert "is not the id of a build" in ended.stderr and "warehouse build" in ended.stderr
    assert everything(tmp_path) == before


def test_unknown_build_is_wrong_usage_and_the_builds_are_named(small: Path) -> None:
    before = everything(small)
    ended = invoke(small, "publish", BUILD, exit_code=2)
    assert f"{BUILD}: this build does not exist. Builds: none. Make one with: warehouse build" in ended.stderr
    assert everything(small) == before
    other = small / "build" / f"{BUILD[:-2]}1Z"
    other.mkdir()
    (other / "build.json").write_text("{}")
    assert f"Builds: {other.name}. Make one" in invoke(small, "publish", BUILD, exit_code=2).stderr


def test_incomplete_build_is_a_failure(small: Path) -> None:
    (small / "build" / BUILD).mkdir(parents=True)
    assert f"{BUILD}: this build is not complete" in invoke(small, "publish", BUILD, exit_code=1).stderr
