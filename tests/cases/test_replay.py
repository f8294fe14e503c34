"""Every case has the wanted outcome, reason and figures; what is proposed for a rejected load is possible."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cases.case import Replayed, faults_of, replay_all
from cases.replay import table_of
from cases.table import CASES
from command_line import invoke
from conftest import settings_of
from recordings import WITHOUT_RECORDING
from rich.console import Console

from warehouse.errors import Rejected
from warehouse.landing import quarantine
from warehouse.sources import SOURCES

pytestmark = [pytest.mark.faults, pytest.mark.slow]

NAMES = [case.name for case in CASES]
REJECTED = [case.name for case in CASES if case.outcome == "rejected"]


@pytest.fixture(scope="module")
def replays(replayed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Replayed]:
    """Return the replay of each case by its name; the homes are read only."""
    return replay_all(CASES, replayed, tmp_path_factory.mktemp("cases"), CASES)


def test_names_are_unique_and_end_in_what_is_sent() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 60
    assert all(re.fullmatch(r"[0-9]{2}[a-z]?(-[a-z0-9]+)+", name) for name in NAMES)
    # `unctad_goods` shares a reader, and `batis_sdmx` is part of another table.
    with_cases = {case.source for case in CASES}
    assert {"nbs_accounts", "safe_monthly", "wto_services"} <= with_cases <= set(SOURCES)
    assert set(SOURCES) - with_cases <= {"unctad_goods", "batis_sdmx", *WITHOUT_RECORDING}


@pytest.mark.parametrize("name", NAMES)
def test_case_is_as_wanted(name: str, replays: dict[str, Replayed]) -> None:
    assert faults_of(replays[name]) == []


@pytest.mark.parametrize("name", REJECTED)
def test_what_is_proposed_for_a_rejected_load_is_possible(name: str, replays: dict[str, Replayed]) -> None:
    """Accept is proposed exactly where it succeeds: tests/cases/test_publish.py runs it, and publishes."""
    one = replays[name]
    settings = settings_of(one.home, operator="tests")
    [load] = quarantine.list_rejected(settings.rejected).require()
    following = invoke(one.home, "rejected", "show", load.id, "--json").json["next"]
    if one.case.why:
        assert following.startswith(f"warehouse rejected accept {load.id} --why '…'")
        return
    assert "accept " not in following
    assert f"warehouse/sources/{one.case.source}.py" in following and "serve a corrected file" in following
    with pytest.raises(Rejected, match="cannot be accepted"):
        quarantine.accept(settings, SOURCES[one.case.source], load, "try it")


def test_table_has_a_line_for_each_case(replays: dict[str, Replayed]) -> None:
    console = Console(width=120, record=True)
    console.print(table_of(replays, {"17-curated-rmb": ["a fault"]}))
    lines = console.export_text().splitlines()
    assert all(len(line) <= 120 for line in lines)
    for case in CASES:
        [line] = [line for line in lines if line.startswith(f" {case.name} ")]
        assert f" {case.outcome} " in line
