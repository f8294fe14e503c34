"""What the gate refused: kept with its reasons, and accepted only by a person's word that stays on record."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import environment
from test_bad_input import cells, inside_7z

from warehouse import landing, pipeline, quarantine
from warehouse.config import SAMPLE_DIR
from warehouse.errors import Rejected, WarehouseError

NIGHT = SAMPLE_DIR / "night-2"
NAME = "unctad_goods"


def mirror_of(place: Path, retrieved_at: str, spoil: Any) -> Path:
    """Record another answer of one source: the good one, spoiled, with its checksum and a day of its own."""
    index = json.loads((NIGHT / "index.json").read_text())
    (entry,) = [one for one in index["answers"] if "TradeMerchTotal" in one["address"]]
    sent = spoil((NIGHT / entry["file"]).read_bytes())
    place.mkdir()
    (place / "answer.7z").write_bytes(sent)
    told = entry | {
        "file": "answer.7z",
        "retrieved_at": retrieved_at,
        "sha256": hashlib.sha256(sent).hexdigest(),
    }
    (place / "index.json").write_text(json.dumps({"name": place.name, "answers": [told]}))
    return place


def without_china(rows: list[list[str]]) -> list[list[str]]:
    economy = rows[0].index("Economy")
    return [row for row in rows if row[economy] != "156"]


def renamed_column(rows: list[list[str]]) -> list[list[str]]:
    return [[*rows[0][:-1], "Something else"], *rows[1:]]


def ingest(home: Path, mirror: Path) -> str | None:
    with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_MIRROR=str(mirror)):
        return pipeline.accept(NAME, pipeline.fetch(NAME))


@pytest.fixture
def refused(tmp_path: Path) -> tuple[Path, Path]:
    """Return a home with one vintage and one refusal on its shelf, and the mirror that was refused."""
    home = tmp_path / "home"
    assert ingest(home, NIGHT) == "2026-03-19"
    mirror = mirror_of(tmp_path / "lost", "2026-04-01T00:00:00Z", inside_7z(cells(without_china)))
    with pytest.raises(Rejected, match="China"):
        ingest(home, mirror)
    return home, mirror


def bytes_under(place: Path) -> dict[str, bytes]:
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def test_a_refusal_keeps_bytes_report_and_reason_and_says_what_to_run(refused: tuple[Path, Path]) -> None:
    home, mirror = refused
    with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_OPERATOR="on call"):
        (told,) = pipeline.rejected()
        shown = pipeline.show_rejected(told["id"][:12])
    assert told["is_judged"] and told["accepted_as"] is None
    assert any("China" in reason for reason in told["reasons"])
    (file,) = shown["files"]
    held = Path(shown["directory"]) / "files" / file["name"]
    assert held.read_bytes() == (mirror / "answer.7z").read_bytes()
    assert file["sha256"] == hashlib.sha256(held.read_bytes()).hexdigest()
    assert f"warehouse rejected accept {told['id']} --why" in shown["next"]
    assert shown["report"]["findings"]


def test_an_operator_overrules_the_gate_and_that_is_told_everywhere(refused: tuple[Path, Path]) -> None:
    home, mirror = refused
    with environment(WAREHOUSE_HOME=str(home), WAREHOUSE_OPERATOR="on call"):
        (told,) = pipeline.rejected()
        before = bytes_under(home / "landing" / NAME / "2026-03-19")
        shelved = bytes_under(home / "rejected")
        assert pipeline.overrule(told["id"], "UNCTAD has withdrawn the row, see its news") == "2026-04-01"

        # the vintage: the refused bytes, the verdict, who, when and why
        vintage = landing.vintages(home / "landing", NAME)[-1]
        assert vintage.id == "2026-04-01" and vintage.overruled is not None
        assert (vintage.overruled.by, vintage.overruled.why) == (
            "on call",
            "UNCTAD has withdrawn the row, see its news",
        )
        manifest = json.loads((vintage.directory / "manifest.json").read_text())
        assert manifest["validation"]["success"] is False
        assert "China" in manifest["overruled"]["about"]
        held = vintage.directory / "files" / vintage.files[0].name
        assert held.read_bytes() == (mirror / "answer.7z").read_bytes()

        # the checks, the shelf, the next release
        last = landing.checks(home / "landing", NAME)[-1]
        assert (last.outcome, last.vintage) == ("accepted", "2026-04-01")
        assert "overruled by on call: UNCTAD has withdrawn" in last.detail
        (after,) = pipeline.rejected()
        assert after["accepted_as"] == "2026-04-01" and after["overruled"]["by"] == "on call"
        assert shelved.items() <= bytes_under(home / "rejected").items()
        assert bytes_under(home / "landing" / NAME / "2026-03-19") == before
        build = pipeline.load()
        assert build is not None
        (noted,) = [
            one for one in pipeline.note_of(Path(build))["vintages"] if one["vintage"] == "2026-04-01"
        ]
        assert noted["overruled"]["why"] == "UNCTAD has withdrawn the row, see its news"

        with pytest.raises(WarehouseError, match="accepted already, as vintage 2026-04-01, by on call"):
            pipeline.overrule(told["id"], "again")
    ingest(home, mirror)  # the next night sends the same bytes
    assert landing.checks(home / "landing", NAME)[-1].outcome == "unchanged"
    assert len(landing.vintages(home / "landing", NAME)) == 2
    assert len(list((home / "rejected" / NAME).iterdir())) == 1


def test_overruling_needs_a_reason_and_an_entry(refused: tuple[Path, Path]) -> None:
    home, _ = refused
    with environment(WAREHOUSE_HOME=str(home)):
        (told,) = pipeline.rejected()
        with pytest.raises(WarehouseError, match="needs a reason"):
            pipeline.overrule(told["id"], "  ")
        with pytest.raises(WarehouseError, match=f"names no rejected vintage; there are: {told['id']}"):
            pipeline.overrule("nothing", "why not")
    assert len(landing.vintages(home / "landing", NAME)) == 1


def test_nobody_overrules_what_cannot_be_read(tmp_path: Path) -> None:
    home = tmp_path / "home"
    mirror = mirror_of(tmp_path / "odd", "2026-04-01T00:00:00Z", inside_7z(cells(renamed_column)))
    with pytest.raises(Rejected):
        ingest(home, mirror)
    with environment(WAREHOUSE_HOME=str(home)):
        (told,) = pipeline.rejected()
        assert not told["is_judged"]
        assert "nothing to overrule" in pipeline.show_rejected(told["id"])["next"]
        with pytest.raises(Rejected, match=r"can't be accepted by anybody's word.*Something else"):
            pipeline.overrule(told["id"], "it must be published tonight")
        (after,) = pipeline.rejected()
    assert after["accepted_as"] is None
    assert landing.vintages(home / "landing", NAME) == ()
    assert not list((home / "landing" / NAME / landing.INCOMING).iterdir())


def test_nobody_overrules_bytes_that_are_not_those_that_were_fetched(refused: tuple[Path, Path]) -> None:
    home, _ = refused
    with environment(WAREHOUSE_HOME=str(home)):
        (told,) = pipeline.rejected()
        entry = quarantine.find(home / "rejected", told["id"])
        (path,) = (entry.directory / "files").glob("*.7z")
        path.write_bytes(path.read_bytes()[:-1] + b"?")
        with pytest.raises(Rejected, match="not those that were fetched"):
            pipeline.overrule(told["id"], "the disk is fine")
    assert len(landing.vintages(home / "landing", NAME)) == 1


def test_a_refusal_older_than_the_vintage_in_force_becomes_history(
    refused: tuple[Path, Path], tmp_path: Path
) -> None:
    home, _ = refused
    later = mirror_of(
        tmp_path / "later",
        "2026-05-01T00:00:00Z",
        inside_7z(cells(lambda rows: [rows[0], *rows[2:]])),  # a row less, which the gate lets pass
    )
    assert ingest(home, later) == "2026-05-01"
    with environment(WAREHOUSE_HOME=str(home)):
        (told,) = pipeline.rejected()
        assert pipeline.overrule(told["id"], "for the record") == "2026-04-01"
    assert [one.id for one in landing.vintages(home / "landing", NAME)] == [
        "2026-03-19",
        "2026-04-01",
        "2026-05-01",
    ]


def test_an_accept_that_was_killed_before_the_shelf_was_marked_is_run_again(
    refused: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _ = refused

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with environment(WAREHOUSE_HOME=str(home)):
        (told,) = pipeline.rejected()
        with monkeypatch.context() as patched, pytest.raises(Killed):
            patched.setattr(quarantine, "mark", killed)
            pipeline.overrule(told["id"], "seen by the desk")
        assert pipeline.rejected()[0]["accepted_as"] is None
        assert pipeline.overrule(told["id"], "again") == "2026-04-01"
        (after,) = pipeline.rejected()
    assert after["overruled"]["why"] == "seen by the desk"  # the first word is the one on record
    assert len(landing.vintages(home / "landing", NAME)) == 2


def test_a_shelf_outlives_its_landing(refused: tuple[Path, Path]) -> None:
    home, _ = refused
    with environment(WAREHOUSE_HOME=str(home)):
        (told,) = pipeline.rejected()
        pipeline.overrule(told["id"], "why")
    shutil.rmtree(home / "rejected")  # what retention may do
    vintage = landing.vintages(home / "landing", NAME)[-1]
    assert (vintage.directory / "files" / vintage.files[0].name).stat().st_size > 1000
