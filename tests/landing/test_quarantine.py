"""Rejected loads: kept with their reasons, and accepted only by a recorded decision."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import toy
from conftest import ingest, settings_of
from flushes import recorded
from test_bad_input import cells, inside_7z

from warehouse.build import builds, steps
from warehouse.config import SAMPLE_DIR
from warehouse.errors import Rejected, WarehouseError
from warehouse.landing import quarantine, store
from warehouse.landing.quarantine import RejectedLoad
from warehouse.model import Vintage
from warehouse.sources import SOURCES

NIGHT = SAMPLE_DIR / "night-2"
NAME = "unctad_goods"


def mirror_of(folder: Path, retrieved_at: str, change: Any) -> Path:
    """Record a changed copy of a source's answer, with its checksum and day of retrieval."""
    index = json.loads((NIGHT / "index.json").read_text())
    (entry,) = [listed for listed in index["answers"] if "TradeMerchTotal" in listed["address"]]
    sent = change((NIGHT / entry["file"]).read_bytes())
    folder.mkdir()
    (folder / "answer.7z").write_bytes(sent)
    answer = entry | {
        "file": "answer.7z",
        "retrieved_at": retrieved_at,
        "sha256": hashlib.sha256(sent).hexdigest(),
    }
    (folder / "index.json").write_text(json.dumps({"name": folder.name, "answers": [answer]}))
    return folder


def without_china(rows: list[list[str]]) -> list[list[str]]:
    economy = rows[0].index("Economy")
    return [row for row in rows if row[economy] != "156"]


def renamed_column(rows: list[list[str]]) -> list[list[str]]:
    return [[*rows[0][:-1], "Something else"], *rows[1:]]


def load(home: Path, mirror: Path, operator: str = "on call") -> str | None:
    return ingest(settings_of(home, mirror, operator=operator), NAME)


def accept(home: Path, reason: str, operator: str = "on call") -> Vintage:
    settings = settings_of(home, operator=operator)
    return quarantine.accept(settings, SOURCES[NAME], only_entry(home), reason)


def only_entry(home: Path) -> RejectedLoad:
    (entry,) = quarantine.list_rejected(home / "rejected").require()
    return entry


def vintages(home: Path) -> tuple[Vintage, ...]:
    return store.vintages(home / "landing", NAME)


@pytest.fixture(scope="module")
def rejected_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with a vintage and a rejected load; its mirror is in the same folder."""
    folder = tmp_path_factory.mktemp("rejected")
    assert load(folder / "home", NIGHT) == "2026-03-19"
    mirror = mirror_of(folder / "lost", "2026-04-01T00:00:00Z", inside_7z(cells(without_china)))
    with pytest.raises(Rejected, match="China"):
        load(folder / "home", mirror)
    return folder


@pytest.fixture
def rejected(rejected_once: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Return a copy of that home, and the mirror."""
    shutil.copytree(rejected_once / "home", tmp_path / "home")
    return tmp_path / "home", rejected_once / "lost"


def bytes_under(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_rejected_load_keeps_files_report_and_reasons(rejected: tuple[Path, Path]) -> None:
    home, mirror = rejected
    entry = quarantine.find(home / "rejected", only_entry(home).id[:12])
    assert entry.was_validated and entry.override is None
    assert any("China" in reason for reason in entry.reasons)
    (file,) = (entry.directory / "files").glob("*.7z")
    assert file.read_bytes() == (mirror / "answer.7z").read_bytes()
    assert entry.report["findings"]
    assert sorted(path.name for path in entry.directory.iterdir()) == ["files", "report.json"]


def test_rejected_load_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    incoming, _ = toy.pull(tmp_path, "code,value\na,n/a\n")
    events = recorded(monkeypatch)
    entry = quarantine.add(tmp_path / "rejected", "toy", incoming, ("value n/a",), {"success": False})
    renamed = events.index(("rename", incoming))
    before = {path for _, path in events[:renamed]}
    assert {incoming / "files" / "rows.csv", incoming / "files", incoming} <= before
    assert events[renamed + 1 :] == [("flush", entry.parent)]


@pytest.mark.slow
def test_override_is_recorded_everywhere(rejected: tuple[Path, Path]) -> None:
    home, mirror = rejected
    before = bytes_under(home / "landing" / NAME / "2026-03-19")
    quarantined = bytes_under(home / "rejected")
    reason = "UNCTAD has withdrawn the row, see its news"
    vintage = accept(home, reason)

    # the vintage: the rejected files, the verdict, actor, time and reason
    assert vintage == vintages(home)[-1]
    assert vintage.id == "2026-04-01" and vintage.overruled is not None
    assert (vintage.overruled.actor, vintage.overruled.reason) == ("on call", reason)
    assert vintage.validation["success"] is False
    assert "China" in vintage.overruled.subject
    file = vintage.directory / "files" / vintage.files[0].name
    assert file.read_bytes() == (mirror / "answer.7z").read_bytes()

    # the log of polls, the quarantine, the next build
    last = store.list_checks(home / "landing", NAME).require()[-1]
    assert (last.outcome, last.vintage) == ("accepted", "2026-04-01")
    assert "overruled by on call: UNCTAD has withdrawn" in last.detail
    override = only_entry(home).override
    assert override is not None and (override.vintage, override.actor) == ("2026-04-01", "on call")
    assert quarantined.items() <= bytes_under(home / "rejected").items()
    assert bytes_under(home / "landing" / NAME / "2026-03-19") == before
    settings = settings_of(home)
    build = steps.load(settings)
    assert build is not None
    (entry,) = [
        entry
        for entry in builds.read_build(builds.build_dir(settings, build)).vintages
        if entry.vintage == "2026-04-01"
    ]
    assert entry.overruled is not None and entry.overruled.reason == reason

    with pytest.raises(WarehouseError, match="already accepted as vintage 2026-04-01 by on call"):
        accept(home, "again")
    load(home, mirror)  # the next nightly run receives the same bytes
    assert store.list_checks(home / "landing", NAME).require()[-1].outcome == "unchanged"
    assert len(vintages(home)) == 2
    assert len(list((home / "rejected" / NAME).iterdir())) == 1


def test_override_needs_a_reason_and_an_entry(rejected: tuple[Path, Path]) -> None:
    home, _ = rejected
    with pytest.raises(WarehouseError, match="needs a reason"):
        accept(home, "  ")
    with pytest.raises(WarehouseError, match=f"matches no rejected load; known: {only_entry(home).id}"):
        quarantine.find(home / "rejected", "nothing")
    assert len(vintages(home)) == 1


def test_load_that_cannot_be_read_cannot_be_accepted(tmp_path: Path) -> None:
    home = tmp_path / "home"
    mirror = mirror_of(tmp_path / "odd", "2026-04-01T00:00:00Z", inside_7z(cells(renamed_column)))
    with pytest.raises(Rejected):
        load(home, mirror)
    assert not only_entry(home).was_validated
    assert sorted(path.name for path in only_entry(home).directory.iterdir()) == ["files", "report.json"]
    with pytest.raises(Rejected, match=r"cannot be accepted.*Something else"):
        accept(home, "it must be published tonight")
    assert only_entry(home).override is None
    assert vintages(home) == ()
    assert not list((home / "landing" / NAME / store.INCOMING).iterdir())


def test_files_that_changed_since_they_were_fetched_cannot_be_accepted(rejected: tuple[Path, Path]) -> None:
    home, _ = rejected
    (path,) = (only_entry(home).directory / "files").glob("*.7z")
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(Rejected, match="not the one that was fetched"):
        accept(home, "the disk is fine")
    assert len(vintages(home)) == 1


def test_accepted_load_older_than_the_vintage_in_force_becomes_history(
    rejected: tuple[Path, Path], tmp_path: Path
) -> None:
    home, _ = rejected
    later = mirror_of(
        tmp_path / "later",
        "2026-05-01T00:00:00Z",
        inside_7z(cells(lambda rows: [rows[0], *rows[2:]])),  # a row less, which the load gate accepts
    )
    assert load(home, later) == "2026-05-01"
    assert accept(home, "for the record").id == "2026-04-01"
    assert [vintage.id for vintage in vintages(home)] == ["2026-03-19", "2026-04-01", "2026-05-01"]


def test_override_killed_before_it_is_recorded_can_be_repeated(
    rejected: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _ = rejected

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(quarantine, "write_record", killed)
        accept(home, "seen by the desk")
    assert only_entry(home).override is None
    assert accept(home, "again").id == "2026-04-01"
    override = only_entry(home).override
    assert override is not None and override.reason == "seen by the desk"  # the first reason is kept
    assert len(vintages(home)) == 2


def test_accepted_load_does_not_need_its_quarantine(rejected: tuple[Path, Path]) -> None:
    home, _ = rejected
    vintage = accept(home, "why")
    shutil.rmtree(home / "rejected")  # as retention may
    assert (vintage.directory / "files" / vintage.files[0].name).stat().st_size > 1000


def test_damaged_entry_does_not_hide_others(rejected: tuple[Path, Path]) -> None:
    home, _ = rejected
    entry = only_entry(home)
    damaged = entry.directory.with_name("20260101T000000000000-1")
    damaged.mkdir()
    (damaged / "report.json").write_text("{")
    listing = quarantine.list_rejected(home / "rejected")
    assert [rejected_load.id for rejected_load in listing.records] == [entry.id]
    assert len(listing.problems) == 1 and str(damaged / "report.json") in listing.problems[0]
