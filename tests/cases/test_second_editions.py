"""A second edition of each source, with one figure revised, is published with its revision."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import duckdb
import nbs_mirror
import pytest
from cases import edits
from cases.case import Case, Edit, ingest_case
from cases.edits import changed, in_archive, in_text_of, replaced
from conftest import copy_home, release_of
from recordings import UNCTAD_REPORTS

from warehouse.landing import store
from warehouse.model import Request
from warehouse.releases.manifest import read_manifest
from warehouse.releases.store import DATABASE
from warehouse.sources import SOURCES

pytestmark = [pytest.mark.faults, pytest.mark.slow]


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
FIRST: dict[str, Edit] = {  # of sources that have no vintage in the home
    "bea_services": edits.fixture("bea_services"),
    "eurostat_bop": edits.fixture("eurostat_bop"),
    "imf_bop": edits.fixture("imf_bop"),
    "imf_exchange_rates": edits.fixture("imf_exchange_rates"),
    "nbs_accounts": edits.nbs(),
    "safe_monthly": edits.safe_monthly(),
    **{name: edits.unctad_report(name) for name in UNCTAD_REPORTS},
    "wto_digital": edits.recorded,
    "wto_services": edits.wto_services(),
    "wto_tismos": edits.tismos(),
}
SECOND: dict[str, Edit] = {
    "atlas_services": changed(".dta", revised_atlas),
    "batis": changed(".zip", in_archive(edits.ZIP, in_text_of((",11.287497", ",11.287498")))),
    "batis_sdmx": changed("batis.csv", replaced((",118.50812,", ",118.50813,"))),
    "bea_services": edits.fixture("bea_services", in_text_of(("46,420", "46,421"))),
    "curated": changed("national_releases", replaced((",S,total,52982.7,", ",S,total,52982.8,"))),
    "data360_digital": changed("UNCTAD_DE", replaced((",1835732.0,", ",1835733.0,"))),
    "eurostat_bop": edits.fixture("eurostat_bop", in_text_of((",21900.0,", ",21900.1,"))),
    "imf_bop": edits.fixture("imf_bop", in_text_of((",87979477545.01,", ",87979477546.01,"))),
    "imf_exchange_rates": edits.fixture(
        "imf_exchange_rates", in_text_of((",2018-M01,82.82,", ",2018-M01,82.83,"))
    ),
    "mofcom_totals": changed("page-1", replaced(("30,422", "30,423"))),
    "nbs_accounts": edits.nbs(revised_nbs),
    "ons_services": changed("services_by_partner", replaced((",8127,8168,", ",8127,8169,"))),
    "safe_bop": changed("bop_bpm6.xlsx", edits.in_book(edits.put("B19", "—"))),
    "safe_monthly": edits.safe_monthly(edits.put("DW12", "341")),  # exports of services, June 2025
    "unctad_goods": changed("US_Trade", in_archive(edits.SEVEN, with_a_digit_more(**CHINA_2021))),
    "unctad_services": changed(
        "US_Trade", in_archive(edits.SEVEN, with_a_digit_more(**CHINA_2021, Category="S"))
    ),
    **{name: edits.unctad_report(name, in_text_of((",1003.5,", ",1003.6,"))) for name in UNCTAD_REPORTS},
    "unctad_exchange_rates": edits.unctad_report(
        "unctad_exchange_rates",
        in_text_of(
            (",China,842,United States of America,6.45,", ",China,842,United States of America,6.46,")
        ),
    ),
    "unctad_gdp": edits.unctad_report(
        "unctad_gdp", in_text_of((",China,11000000.000,", ",China,11000001.000,"))
    ),
    "unctad_population": edits.unctad_report(
        "unctad_population", in_text_of((",China,1380000.000,", ",China,1380001.000,"))
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


def test_second_edition_of_every_source_is_published(base: Path, replayed: Path, tmp_path: Path) -> None:
    assert set(SECOND) == set(SOURCES)
    home = copy_home(base, tmp_path / "home")
    for source, answers in FIRST.items():
        assert store.vintages(home / "landing", source) == ()
        land(source, answers, "2026-06-10", replayed, home)
    editions = {source: land(source, edit, "2026-06-11", replayed, home) for source, edit in SECOND.items()}
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
    assert revised == [(source, 1) for source in sorted(SOURCES)]
    assert names == (True,)
