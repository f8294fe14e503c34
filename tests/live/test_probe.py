"""The probe of `make live`, with a mirror in place of the publishers."""

from __future__ import annotations

from pathlib import Path

import pytest
from cases.case import Answer, write_mirror
from live import probe as live

from warehouse.config import SAMPLE_DIR
from warehouse.model import first_request
from warehouse.sources import SOURCES

TOTALS = SAMPLE_DIR / "night-2/data.mofcom.gov.cn/datamofcom/front/fwmy/overyears.page-1.json"


def mirror_with(folder: Path, old: str, new: str) -> str:
    """Write a mirror of MOFCOM's recorded answer with another text; return its directory."""
    text = TOTALS.read_text(encoding="utf-8")
    assert old in text
    address = first_request(SOURCES["mofcom_totals"].plan()).address
    answer = Answer(address, text.replace(old, new).encode(), "application/json")
    return str(write_mirror(folder, {TOTALS.name: answer}, "2026-06-02"))


@pytest.mark.parametrize(
    ("old", "new", "word", "detail"),
    [
        ("30,422", "30,423", "as declared", "4 rows, 1 answers"),
        ('"year"', '"unit": "1", "year"', "differs", "further key 'unit' in the row"),
        ('"year"', '"period"', "fails", "'year'"),
    ],
)
def test_line_of_a_source_says_what_differs(
    old: str, new: str, word: str, detail: str, tmp_path: Path
) -> None:
    found = live.probe("mofcom_totals", tmp_path / "work", mirror_with(tmp_path / "mirror", old, new))
    assert found.word == word and detail in found.detail, found
    assert str(found).startswith(f"mofcom_totals               {word} ") and "\n" not in str(found)


def test_source_without_an_answer_to_ask_for_is_not_configured(tmp_path: Path) -> None:
    mirror = mirror_with(tmp_path / "mirror", "30,422", "30,422")
    found = live.probe("wto_digital", tmp_path / "work", mirror)
    assert found.word == "not configured" and "has no recording of it" in found.detail


def test_probes_end_with_1_when_a_source_fails_and_go_on_to_the_next(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = {"batis": "fails", "ons_services": "differs"}
    monkeypatch.setattr(live, "probe", lambda name, work, **_: live.Probe(name, words[name], "a reason"))
    assert live.main(["batis", "ons_services"]) == 1
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()] == [
        ["batis", "fails"],
        ["ons_services", "differs"],
    ]
    assert live.main(["ons_services"]) == 0
    assert live.main(["safe"]) == 2 and "no source is named 'safe'" in capsys.readouterr().err
