"""A second edition of each source, with one figure revised, is published with its revision."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import duckdb
import nbs_mirror
import pytest
import spoiled
from cases import edits
from cases.case import Case, Edit, ingest_case
from cases.edits import changed, in_archive, in_text_of, replaced
from conftest import copy_home, ingest, release_of, settings_of, sources_of
from recordings import WITHOUT_RECORDING

from warehouse.config import SAMPLE_DIR
from warehouse.landing import store
from warehouse.model import Request
from warehouse.releases.manifest import read_manifest
from warehouse.releases.store import DATABASE
from warehouse.sources import SOURCES

pytestmark = [pytest.mark.faults, pytest.mark.slow]
NIGHT = SAMPLE_DIR / "night-2"


def with_a_digit_more(**key: str) -> Callable[[str], str]:
    """Add a digit to the value in US dollars of the row of UNCTAD's table that has these codes."""

    def change(text: str) -> str:
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
        column = rows[0].index("US$ at current prices in millions")
        [row] = [
            row for row in rows[1:] if all(row[rows[0].index(name)] == code for name, code in key.items())
        ]
        row[column] += "1" if "." in row[column] else ".1"
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\r\n").writerows(rows)
        return "\ufeff" + out.getvalue()

    return change


def revised_atlas(body: bytes) -> bytes:
    """Raise China's exports of travel services in 2019 by a dollar."""
    frame = edits.read_atlas(body)
    frame.loc[frame.eval("country_id == 156 and product_id == 4001 and year == 2019"), "export_value"] += 1
    out = io.BytesIO()
    frame.to_stata(out, write_index=False)
    return out.getvalue()


def revised_nbs(request: Request) -> bytes | None:
    """Answer with another GDP of 2021."""
    body = nbs_mirror.of_fixture(request)
    return body.replace(b'"1149237"', b'"1149238"') if body else None


CHINA_2021 = {"Year": "2021", "Economy": "156", "Flow": "02"}
# The sources that have no vintage in the home, those of one request from their fixtures.
FIRST: dict[str, Edit] = {name: edits.fixture(name) for name in WITHOUT_RECORDING} | {
    "nbs_accounts": edits.nbs(),
    "safe_monthly": edits.safe_monthly(),
    "wto_digital": edits.recorded,
    "wto_services": edits.wto_services(),
    "wto_tismos": edits.tismos(),
}
# By `second_edition` of tests/fixtures/<source>/payloads.yml: the text that is revised, and the new one.
SECOND: dict[str, Edit] = {
    name: edits.fixture(name, in_text_of(tuple(payloads["second_edition"])))
    for name in SOURCES
    if "second_edition" in (payloads := spoiled.read_payloads(spoiled.FIXTURES / name / "payloads.yml"))
} | {
    "atlas_services": changed(".dta", revised_atlas),
    "batis": changed(".zip", in_archive(edits.ZIP, in_text_of((",11.287497", ",11.287498")))),
    "batis_sdmx": changed("batis.csv", replaced((",118.50812,", ",118.50813,"))),
    "curated": changed("national_releases", replaced((",S,total,52982.7,", ",S,total,52982.8,"))),
    "data360_digital": changed("UNCTAD_DE", replaced((",1835732.0,", ",1835733.0,"))),
    "mofcom_totals": changed("page-1", replaced(("30,422", "30,423"))),
    "nbs_accounts": edits.nbs(revised_nbs),
    "ons_services": changed("services_by_partner", replaced((",8127,8168,", ",8127,8169,"))),
    "safe_bop": changed("bop_bpm6.xlsx", edits.in_book(edits.put("B19", "—"))),
    "safe_monthly": edits.safe_monthly(edits.put("DW12", "341")),  # exports of services, June 2025
    "unctad_goods": changed("US_Trade", in_archive(edits.SEVEN, with_a_digit_more(**CHINA_2021))),
    "unctad_services": changed(
        "US_Trade", in_archive(edits.SEVEN, with_a_digit_more(**CHINA_2021, Category="S"))
    ),
    "worldbank_wdi": changed("BX.GSR.NFSV.CD", replaced(("339393210195.59", "339393210196.59"))),
    "wto_digital": changed("DDS", replaced(("220567.7463", "220567.7464"))),
    "wto_merchandise": changed(".zip", in_archive(edits.ZIP_1252, in_text_of((",3316022", ",3316023")))),
    "wto_services": edits.wto_services(in_text_of((",2021,,,392000", ",2021,,,392001"))),
    "wto_tismos": edits.tismos(in_text_of((",CN,WL,SC,2017,M1,6600,", ",CN,WL,SC,2017,M1,6601,"))),
}


def land(source: str, answers: Edit, day: str, recorded: Path, home: Path) -> str:
    """Land an edition of a source; return the vintage."""
    case = Case(f"{source}-{day}", source, "an edition", answers, "accepted", retrieved=day)
    check = ingest_case(case, (case,), recorded, home)
    assert check.outcome == "accepted" and check.vintage, check.detail
    return check.vintage


@pytest.fixture
def homes(
    request: pytest.FixtureRequest, asked_sources: tuple[str, ...], tmp_path: Path
) -> tuple[Path, Path]:
    """Return a home that lacks the sources of FIRST, and one with their recorded vintages.

    With `--source` they have that source alone.
    """
    home, recorded = tmp_path / "home", tmp_path / "recorded"
    if asked_sources == tuple(SOURCES):
        return copy_home(request.getfixturevalue("base"), home), request.getfixturevalue("replayed")
    for source in set(asked_sources) & set(sources_of(NIGHT)):
        for place in {recorded} if source in FIRST else {home, recorded}:
            ingest(settings_of(place, NIGHT), source)
    return home, recorded


@pytest.mark.each_source
def test_second_edition_of_every_source_is_published(
    homes: tuple[Path, Path], asked_sources: tuple[str, ...]
) -> None:
    assert set(SECOND) == set(SOURCES)
    home, recorded = homes
    for source in FIRST.keys() & set(asked_sources):
        assert store.vintages(home / "landing", source) == ()
        land(source, FIRST[source], "2026-06-10", recorded, home)
    editions = {
        source: land(source, SECOND[source], "2026-06-11", recorded, home) for source in asked_sources
    }
    release = release_of(home)
    manifest = read_manifest(release)
    assert manifest.set_aside == ()
    assert {one.source: one.vintage for one in manifest.vintages} == editions
    with duckdb.connect(str(release / DATABASE), read_only=True) as db:
        revised = db.execute(
            "select source, count(*) from core.fct_revision where vintage = '2026-06-11' group by 1 "
            "order by 1"
        ).fetchall()
        names = db.execute(
            "select count(*) = count(distinct (series, period_label)) from marts.mart_revision "
            "where vintage = '2026-06-11'"
        ).fetchone()
    assert revised == [(source, 1) for source in sorted(asked_sources)]
    assert names == (True,)
