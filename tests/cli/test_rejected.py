"""The commands rejected list, show and accept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from alert_cases import ADDRESS, NIGHT
from command_line import invoke
from small_homes import LOADS, SOURCE

from warehouse.landing import store

NAME = "data360_digital"


def test_rejected_loads_are_listed_with_their_reasons(small: Path, tmp_path: Path) -> None:
    rows = invoke(small, "rejected", "list", "--json").json
    assert [row["id"] for row in rows] == list(LOADS)
    assert rows[0]["reason"] == f"too few rows, in {LOADS[0]}" and rows[0]["was_validated"] is True
    assert rows[0]["accepted_as"] is None and rows[0]["overruled"] is None
    lines = invoke(small, "rejected", "list").stdout.splitlines()
    assert lines[0].startswith(f"{LOADS[0]}  {SOURCE}  ") and lines[0].endswith("  rejected")
    assert lines[1] == f"  too few rows, in {LOADS[0]}"
    (tmp_path / "empty").mkdir()
    assert invoke(tmp_path / "empty", "rejected", "list").stdout == "no rejected loads\n"
    ended = invoke(small, "rejected", "show", "2024", exit_code=1)
    assert "'2024' matches 2 rejected loads" in ended.stderr


def test_rejected_load_is_shown_and_accepted_by_override(tmp_path: Path, spoiled_mirror: Path) -> None:
    (row,) = invoke(tmp_path, "fetch", NAME, "--json", mirror=spoiled_mirror, exit_code=1).json
    assert row["outcome"] == "rejected" and "rejected" in row["detail"] and "Q{<" in row["detail"]
    (load,) = invoke(tmp_path, "rejected", "list", "--json").json
    shown = invoke(tmp_path, "rejected", "show", load["id"]).stdout
    assert "Q{<" in shown and "UNCTAD_DE.csv" in shown
    assert f"next: warehouse rejected accept {load['id']} --why '…'" in shown
    report = invoke(tmp_path, "rejected", "show", load["id"][:15], "--json").json
    assert report["files"][0]["retrieved_at"] == "2026-06-01T00:00:00Z"
    assert report["report"]["success"] is False and Path(report["directory"]).is_dir()

    assert (
        "needs a reason"
        in invoke(tmp_path, "rejected", "accept", load["id"], "--why", " ", exit_code=1).stderr
    )
    arguments = ("rejected", "accept", load["id"], "--why", "the publisher is right")
    shown = invoke(tmp_path, *arguments, WAREHOUSE_OPERATOR="ada").stdout
    assert shown == "accepted: vintage 2026-06-01\npublish it with: warehouse publish\n"
    (vintage,) = store.vintages(tmp_path / "landing", NAME)
    assert vintage.overruled is not None and vintage.overruled.actor == "ada"
    assert "was already accepted as vintage 2026-06-01" in invoke(tmp_path, *arguments, exit_code=1).stderr
    shown = invoke(tmp_path, "rejected", "show", load["id"]).stdout
    assert "accepted as 2026-06-01 by ada at " in shown and shown.endswith("next: warehouse publish\n")
    assert "accepted as 2026-06-01" in invoke(tmp_path, "rejected", "list").stdout
    (load,) = invoke(tmp_path, "rejected", "list", "--json").json
    assert load["accepted_as"] == "2026-06-01"
    assert (load["overruled"]["actor"], load["overruled"]["reason"]) == ("ada", "the publisher is right")


def recorded_at(mirror: Path, folder: Path, retrieved_at: str) -> Path:
    """Copy a mirror with another time of retrieval of its answers."""
    shutil.copytree(mirror, folder)
    index = json.loads((folder / "index.json").read_text())
    index["answers"] = [one | {"retrieved_at": retrieved_at} for one in index["answers"]]
    (folder / "index.json").write_text(json.dumps(index))
    return folder


@pytest.mark.parametrize("is_withdrawn", [False, True], ids=["in force", "withdrawn"])
def test_load_that_is_older_than_a_vintage_of_its_day_is_asked_for_again(
    is_withdrawn: bool, tmp_path: Path, spoiled_mirror: Path
) -> None:
    home, night = tmp_path / "home", tmp_path / "night"
    night.mkdir()
    path = NIGHT / "data360files.worldbank.org/data360-data/data/UNCTAD_DE/UNCTAD_DE.csv"
    shutil.copyfile(path, night / "answer.csv")
    answer = {"address": ADDRESS, "file": "answer.csv", "content_type": "text/csv"}
    (night / "index.json").write_text(json.dumps({"name": "night", "answers": [answer]}))
    invoke(home, "fetch", NAME, mirror=spoiled_mirror, exit_code=1)
    invoke(home, "fetch", NAME, mirror=recorded_at(night, tmp_path / "noon", "2026-06-01T12:00:00Z"))
    if is_withdrawn:
        invoke(home, "vintages", "withdraw", NAME, "2026-06-01", "--why", "a test")
    (load,) = invoke(home, "rejected", "list", "--json").json
    shown = invoke(home, "rejected", "show", load["id"], "--json").json["next"]
    ended = invoke(home, "rejected", "accept", load["id"], "--why", "it is right", exit_code=1)
    for text in (shown, ended.stderr):
        assert "vintage 2026-06-01 of the same day was retrieved later" in text
        assert f"ask the publisher again with: warehouse fetch {NAME}" in text
        assert "backfill" not in text and "rejected accept" not in text
    # The step that both propose: the publisher still answers as in the load, which can then be accepted.
    invoke(
        home,
        "fetch",
        NAME,
        mirror=recorded_at(spoiled_mirror, tmp_path / "now", "2026-06-02T00:00:00Z"),
        exit_code=1,
    )
    again = invoke(home, "rejected", "list", "--json").json[-1]["id"]
    shown = invoke(home, "rejected", "show", again).stdout
    assert again != load["id"] and f"next: warehouse rejected accept {again} --why '…'" in shown
    assert "accepted: vintage 2026-06-02" in invoke(home, "rejected", "accept", again, "--why", "yes").stdout


def test_load_that_could_not_be_read_cannot_be_accepted(small: Path) -> None:
    directory = small / "rejected" / SOURCE / LOADS[1]
    report = {"source": SOURCE, "reasons": ["no such column"], "report": {"success": False, "error": "x"}}
    (directory / "report.json").write_text(json.dumps(report))
    (directory / "files" / "fetched.json").write_text("[]")
    assert invoke(small, "rejected", "list").stdout.splitlines()[2].endswith("  unreadable")
    shown = invoke(small, "rejected", "show", LOADS[1]).stdout
    assert f"a load that cannot be read cannot be accepted: correct warehouse/sources/{SOURCE}.py" in shown
