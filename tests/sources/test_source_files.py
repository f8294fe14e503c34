"""The files that are made of the sources are those of their modules and seeds."""

from __future__ import annotations

import re
import sys
from dataclasses import replace

import pytest

from warehouse.config import EXPECTATIONS_DIR, PROJECT_ROOT
from warehouse.sources import SOURCES

sys.path.insert(0, str(PROJECT_ROOT / "docs"))
import source_files

pytestmark = pytest.mark.each_source
OUTDATED = "run: make sources"


@pytest.mark.parametrize("name", SOURCES)
def test_page_of_a_source_is_up_to_date(name: str) -> None:
    page = (source_files.PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert page == source_files.page_of(SOURCES[name]), OUTDATED


@pytest.mark.parametrize("name", SOURCES)
def test_page_has_a_contract(name: str) -> None:
    page = (source_files.PAGES / f"{name}.md").read_text(encoding="utf-8")
    _, found, section = page.partition("\n## Contract\n")
    assert found and len(section.split()) > 40


IN_SENTENCES = [name for name, source in SOURCES.items() if source.contract_text]


@pytest.mark.parametrize("name", IN_SENTENCES)
def test_contract_in_sentences_names_every_raw_column_and_the_share_of_the_suite(name: str) -> None:
    text = SOURCES[name].contract_text
    table = SOURCES[name].contract
    named = set(re.findall(r"`([^`]+)`", text)) | set(table.columns if table else ())
    assert set(SOURCES[name].columns) <= named
    suite = (EXPECTATIONS_DIR / f"raw.{name}.yml").read_text(encoding="utf-8")
    shares = {float(share) for share in re.findall(r"over \(\) > ([0-9.]+) \* \(select count", suite)}
    assert {f"{100 * share:g} %" for share in shares} == set(re.findall(r"[0-9]+ %", text))


def test_there_is_a_page_for_each_source_and_no_other() -> None:
    assert sorted(path.stem for path in source_files.PAGES.glob("*.md")) == sorted(SOURCES)


@pytest.mark.parametrize("name", source_files.READMES)
def test_table_of_a_readme_is_up_to_date(name: str) -> None:
    text = (PROJECT_ROOT / name).read_text(encoding="utf-8")
    assert text == source_files.readme_of(name), OUTDATED
    rows = [line for line in text.splitlines() if line.startswith("| [`")]
    assert len(rows) == len(SOURCES)
    assert [row for row in rows if "WAREHOUSE_BEA_KEY" in row] == [
        row for row in rows if "bea_services" in row
    ]
    # Typed from the list of the sample's files.
    recorded = {"safe_bop", "worldbank_wdi", "unctad_goods", "wto_digital"}
    assert recorded <= {row.split("`")[1] for row in rows if "| ✓ | 20" in row}
    assert {"safe_monthly", "wto_tismos"} <= {row.split("`")[1] for row in rows if "| - | 20" in row}


def test_page_on_the_first_live_night_has_the_evidence_of_each_publisher() -> None:
    text = (PROJECT_ROOT / source_files.EVIDENCE).read_text(encoding="utf-8")
    assert text == source_files.with_table(source_files.EVIDENCE, source_files.evidence_table()), OUTDATED
    rows = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| [`")}
    assert rows.keys() == SOURCES.keys() - {"curated"}
    assert rows["safe_bop"].endswith("| ✓ | 2026-10-03: page, title and sheets |")
    assert "| - | 2026-10-03: page, sheet in US dollars" in rows["safe_monthly"]


def test_list_of_the_sources_of_observations_is_up_to_date() -> None:
    text = source_files.MACRO.read_text(encoding="utf-8")
    assert text == source_files.macro_text(), OUTDATED
    assert all(f"'{name}'," in text for name in SOURCES)


def test_every_source_states_when_it_was_last_evidenced() -> None:
    never = [name for name, source in SOURCES.items() if source.evidenced == "never"]
    assert not never, f"state `evidenced` in SOURCE of {', '.join(never)}: a day, and by what"
    undated = [name for name, source in SOURCES.items() if source_files.evidence_of(source) == "-"]
    assert undated == ["curated"]


@pytest.mark.parametrize(
    ("evidenced", "day"),
    [
        ("2026-09-16: 489 581 002 bytes", "2026-09-16"),
        ("2026-07 to 2026-10: interface and header", "2026-10"),
        ("2026: the list of files", "2026"),
        ("the project's own folder", "-"),
    ],
)
def test_readme_has_the_day_of_the_evidence(evidenced: str, day: str) -> None:
    assert source_files.evidence_of(replace(SOURCES["batis"], evidenced=evidenced)) == day
