"""The commands rejected list, show and accept."""

from __future__ import annotations

import json
from pathlib import Path

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


def test_load_that_could_not_be_read_cannot_be_accepted(small: Path) -> None:
    directory = small / "rejected" / SOURCE / LOADS[1]
    report = {"source": SOURCE, "reasons": ["no such column"], "report": {"success": False, "error": "x"}}
    (directory / "report.json").write_text(json.dumps(report))
    (directory / "files" / "fetched.json").write_text("[]")
    assert invoke(small, "rejected", "list").stdout.splitlines()[2].endswith("  unreadable")
    shown = invoke(small, "rejected", "show", LOADS[1]).stdout
    assert f"a load that cannot be read cannot be accepted: correct warehouse/sources/{SOURCE}.py" in shown
