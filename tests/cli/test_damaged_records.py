"""A record that cannot be read is reported in one line with its file, and hides no other record."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import invoke
from small_homes import EARLIER_RELEASE, LOADS, OTHER, RELEASE, SOURCE, VINTAGE
from small_releases import overwrite

QUERY = ("query", "select count(*) as n from marts.mart")
TRACE = ("trace", "marts.mart_share", "reporter=CHN")
DIFF = ("diff",)
BACK = ("rollback", "previous", "--why", "a test")
AGAIN = ("rollback", RELEASE, "--why", "a test")
SHOW_LOAD = ("rejected", "show", LOADS[0])
SHOW_BACKFILL = ("backfill", "show", "BACKFILL")
LISTINGS = {
    "status": (SOURCE, OTHER, "freshness"),
    "releases": (),
    "alerts": ("in force",),
    "rejected list": (),
    "backfill list": (),
}


@dataclass(frozen=True)
class Damage:
    """A damaged file, the listings that must report it, what else they must show, and what fails."""

    harm: Callable[[Path], object]
    named: str
    reported_by: dict[str, tuple[str, ...]]
    failing: tuple[tuple[str, ...], ...] = ()


def replace_with(path: str, text: str) -> Callable[[Path], object]:
    return lambda home: [overwrite(found, text) for found in sorted(home.glob(path))[:1]]


def damage_line(path: str, number: int) -> Callable[[Path], object]:
    def harm(home: Path) -> None:
        lines = (home / path).read_text().splitlines()
        lines[number - 1] = lines[number - 1][:30]
        (home / path).write_text("\n".join(lines) + "\n")

    return harm


def remove(path: str) -> Callable[[Path], object]:
    return lambda home: (home / path).unlink()


def zero_bytes(home: Path) -> None:
    path = home / "published" / RELEASE / "warehouse.duckdb"
    overwrite(path, b"\0" * path.stat().st_size)


def point_nowhere(home: Path) -> None:
    (home / "published" / "latest").unlink()
    (home / "published" / "latest").symlink_to("20200101T000000000000Z")


def damage_verdict(home: Path) -> None:
    build = home / "build" / "20240601T000000000000Z"
    build.mkdir(parents=True)
    (build / "validation.json").write_text("{")


def damage_override(home: Path) -> None:
    (home / "rejected" / SOURCE / LOADS[0] / "overruled.json").write_text('{"vintage": "2024-05-03"}')


DATABASE = f"published/{RELEASE}/warehouse.duckdb"
OTHER_BACKFILL = ("did not answer",)
DAMAGES = {
    "manifest of the current release": Damage(
        replace_with(f"published/{RELEASE}/MANIFEST.json", '{"release": '),
        f"{RELEASE}/MANIFEST.json: invalid record",
        {
            "releases": (EARLIER_RELEASE,),
            "status": (f"release: {RELEASE}, which cannot be read",),
            "alerts": (),
        },
        (DIFF, AGAIN),
    ),
    "field of a manifest": Damage(
        replace_with(f"published/{EARLIER_RELEASE}/MANIFEST.json", '{"as_of": "soon"}'),
        f"{EARLIER_RELEASE}/MANIFEST.json: invalid record (as_of: ",
        {"releases": (RELEASE, "← latest"), "status": (f"release: {RELEASE}, as of",), "alerts": ()},
        (DIFF, BACK),
    ),
    "line of the history": Damage(
        damage_line("published/history.jsonl", 1),
        "history.jsonl, line 1: invalid record",
        {"releases": (EARLIER_RELEASE, RELEASE), "status": (f"release: {RELEASE}, as of",), "alerts": ()},
        (DIFF, BACK),
    ),
    "line of the polls": Damage(
        damage_line(f"landing/{SOURCE}/checks.jsonl", 2),
        f"{SOURCE}/checks.jsonl, line 2: invalid record",
        {"status": ("unchanged", VINTAGE), "alerts": ()},
    ),
    "manifest of a vintage": Damage(
        replace_with(f"landing/{SOURCE}/{VINTAGE}/manifest.json", "[1]"),
        f"{SOURCE}/{VINTAGE}/manifest.json: invalid record",
        {"status": (VINTAGE,), "alerts": ()},
        (TRACE,),
    ),
    "report of a rejected load": Damage(
        replace_with(f"rejected/{SOURCE}/{LOADS[0]}/report.json", ""),
        f"{LOADS[0]}/report.json: invalid record",
        {"rejected list": (LOADS[1],), "status": (), "alerts": ()},
        (SHOW_LOAD,),
    ),
    "override of a rejected load": Damage(
        damage_override,
        f"{LOADS[0]}/overruled.json: invalid record (actor: ",
        {"rejected list": (LOADS[1],), "status": (), "alerts": ()},
        (SHOW_LOAD,),
    ),
    "request of a backfill": Damage(
        replace_with("backfill/*/backfill.json", "{"),
        "/backfill.json: invalid record",
        {"backfill list": OTHER_BACKFILL, "status": (), "alerts": ()},
        (SHOW_BACKFILL,),
    ),
    "report of a backfill": Damage(
        replace_with("backfill/*/report.json", '{"pulls": [{}]}'),
        "/report.json: invalid record (pulls.0.",
        {"backfill list": ("mirror 1", "mirror 2"), "status": (), "alerts": ()},
        (SHOW_BACKFILL,),
    ),
    "line of the log of backfills": Damage(
        damage_line("backfill/log.jsonl", 2),
        "log.jsonl, line 2: invalid record",
        {"backfill list": ("mirror 2",), "status": (), "alerts": ()},
    ),
    "verdict on a build": Damage(
        damage_verdict, "/validation.json: invalid record", {"status": (), "alerts": ()}
    ),
    "database that is missing": Damage(
        remove(DATABASE),
        f"{DATABASE}: ",
        {"releases": (EARLIER_RELEASE, RELEASE), "status": (f"release: {RELEASE}, as of",), "alerts": ()},
        (QUERY, TRACE, DIFF, AGAIN),
    ),
    "database that was cut": Damage(
        replace_with(DATABASE, "half of"),
        f"{DATABASE}: ",
        {"releases": (EARLIER_RELEASE, RELEASE), "status": (f"release: {RELEASE}, as of",), "alerts": ()},
        (QUERY, TRACE, DIFF, AGAIN),
    ),
    "database that is no database": Damage(zero_bytes, f"{DATABASE}: ", {}, (QUERY, TRACE, DIFF, AGAIN)),
    "latest": Damage(
        point_nowhere,
        "/latest: points at release 20200101T000000000000Z, which does not exist",
        {"status": (SOURCE, OTHER), "alerts": ("warehouse repair latest",), "releases": ()},
        (QUERY, TRACE),
    ),
    "dbt manifest": Damage(
        replace_with(f"published/{RELEASE}/dbt_docs/manifest.json", "{"),
        f"{RELEASE}/dbt_docs/manifest.json",
        {},
        (TRACE, DIFF),
    ),
}
FAILING = [(name, arguments) for name, damage in DAMAGES.items() for arguments in damage.failing]


@pytest.mark.parametrize("name", DAMAGES)
def test_listings_show_readable_records_and_report_damaged_records(name: str, small: Path) -> None:
    damage = DAMAGES[name]
    damage.harm(small)
    for command, always in LISTINGS.items():
        is_wrong = int(command in damage.reported_by)
        ended = invoke(small, *command.split(), exit_code=is_wrong)
        problems = [line for line in ended.stderr.splitlines() if line.startswith("problem: ")]
        assert problems == ended.stderr.splitlines(), command
        if command in damage.reported_by:
            reports = problems + [line for line in ended.stdout.splitlines() if command == "alerts"]
            assert [line for line in reports if damage.named in line], (command, ended)
            shown = (*always, *damage.reported_by[command])
            assert [text for text in shown if text not in ended.stdout] == []
        shown_json = invoke(small, *command.split(), "--json", exit_code=is_wrong).json
        assert isinstance(shown_json, list | dict)
    is_wrong = int("status" in damage.reported_by)
    stated = invoke(small, "status", "--json", exit_code=is_wrong).json["problems"]
    assert ("status" in damage.reported_by) == any(damage.named in problem for problem in stated)


@pytest.mark.parametrize(("name", "arguments"), FAILING)
def test_command_that_needs_the_record_fails_with_one_line(
    name: str, arguments: tuple[str, ...], small: Path
) -> None:
    DAMAGES[name].harm(small)
    first = min(path.parent.name for path in small.glob("backfill/*/backfill.json"))
    before = (small / "published" / "latest").readlink()
    ended = invoke(small, *(first if word == "BACKFILL" else word for word in arguments), exit_code=1)
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("failed: ") and DAMAGES[name].named in line
    assert (small / "published" / "latest").readlink() == before


def test_home_without_damage_has_no_problem(small: Path) -> None:
    for command in LISTINGS:
        assert invoke(small, *command.split()).stderr == ""
    assert invoke(small, "status", "--json").json["problems"] == []
    assert json.loads(invoke(small, *QUERY, "--json").stdout) == [{"n": 5}]
    for arguments in (TRACE, DIFF, BACK, AGAIN):
        assert invoke(small, *arguments).stderr == ""


def test_incomplete_last_line_is_not_reported(small: Path) -> None:
    for log in (f"landing/{SOURCE}/checks.jsonl", "published/history.jsonl", "backfill/log.jsonl"):
        with (small / log).open("a") as file:
            file.write('{"at": "2024-01-')
    for command in LISTINGS:
        assert invoke(small, *command.split()).stderr == ""
