"""The synthetic edition: read with the csv module, and with the source's own reader."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from bench import generate
from conftest import SAMPLE_DIR

from warehouse.sources import batis

ROWS = 50_000
RECORDED = (
    SAMPLE_DIR / "night-2/webfs-sdd.oecd.org/files/.Stat/BATIS/OECD-WTO_BATIS_BPM6_December2025_bulk.zip"
)
MAIN = {"SA", "SB", "SC", "SD", "SE", "SF", "SG", "SH", "SI", "SJ", "SK", "SL"}
VALUES = ("Reported_value", "Final_value", "Balanced_value")


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive = tmp_path_factory.mktemp("edition") / "batis.zip"
    generate.generate(ROWS, archive)
    return archive


@pytest.fixture(scope="module")
def rows(edition: Path) -> list[dict[str, str]]:
    with zipfile.ZipFile(edition) as archive, archive.open(archive.namelist()[0]) as member:
        return list(csv.DictReader(io.TextIOWrapper(member, "utf-8", newline="")))


def first_line(archive: Path) -> bytes:
    with zipfile.ZipFile(archive) as packed, packed.open(packed.namelist()[0]) as member:
        return member.readline()


def test_layout_is_that_of_the_recording_and_the_name_says_synthetic(edition: Path) -> None:
    assert first_line(edition) == first_line(RECORDED)
    with zipfile.ZipFile(edition) as packed:
        [name] = packed.namelist()
    assert name.startswith("SYNTHETIC_") and name.endswith(".csv")


def test_number_of_rows_and_keys(rows: list[dict[str, str]]) -> None:
    key = ("Reporter", "Partner", "Flow", "Item_code", "Year")
    assert len(rows) == ROWS
    assert len({tuple(row[name] for name in key) for row in rows}) == ROWS
    assert {row["Year"] for row in rows} == {str(year) for year in range(2005, 2025)}
    assert len({row["Item_code"] for row in rows}) == 31


def test_items_add_up_in_each_value(rows: list[dict[str, str]]) -> None:
    for value in VALUES:
        sums: dict[tuple[str, ...], dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for row in rows:
            item = row["Item_code"]
            part = {"S": "whole", "SC": "main", "SPX4": "derived"}.get(item, "main" if item in MAIN else "")
            keys = [part] if part else []
            keys += ["of SC"] if item in ("SC1", "SC2", "SC3", "SC4") else ["SC"] if item == "SC" else []
            keys += ["of SPX4"] if item in ("SA", "SB") else []
            for name in keys:
                if row[value]:
                    cell = (row["Reporter"], row["Partner"], row["Flow"], row["Year"])
                    sums[cell][name] += Decimal(row[value])
        assert len(sums) > 50
        for cell, found in sums.items():
            assert found["whole"] == found["main"] > 0, (value, cell)
            assert found["SC"] == found["of SC"] > 0, (value, cell)
            assert found["derived"] == found["of SPX4"] > 0, (value, cell)


def test_partners_add_up_to_the_world(rows: list[dict[str, str]]) -> None:
    sums: dict[tuple[str, ...], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for row in rows:
        if row["Balanced_value"]:
            cell = (row["Reporter"], row["Flow"], row["Item_code"], row["Year"])
            sums[cell][row["Partner"] == "W"] += Decimal(row["Balanced_value"])
    assert len(sums) == 6 * generate.CELLS_OF_PAIR  # isqrt(50000 / 1240) reporters
    assert all(partners == world > 0 for partners, world in sums.values())


def test_balanced_values_are_symmetric(rows: list[dict[str, str]]) -> None:
    exports, imports = {}, {}
    for row in rows:
        pair = (
            (row["Reporter"], row["Partner"]) if row["Flow"] == "EXP" else (row["Partner"], row["Reporter"])
        )
        if row["Balanced_value"] and row["Partner"] != "W":
            (exports if row["Flow"] == "EXP" else imports)[*pair, row["Item_code"], row["Year"]] = row[
                "Balanced_value"
            ]
    assert exports == imports and len(exports) == 30 * 31 * 20


def test_share_of_reported_and_final_values_and_their_methods(rows: list[dict[str, str]]) -> None:
    stated = [row for row in rows if row["Balanced_value"]]
    assert 0.02 < sum(bool(row["Reported_value"]) for row in stated) / len(stated) < 0.05
    assert 0.90 < sum(bool(row["Final_value"]) for row in stated) / len(stated) < 0.94
    for row in rows:
        assert bool(row["Methodology"]) == bool(row["Final_value"])
        assert row["Methodology"].startswith("R_") == bool(row["Reported_value"])
        assert not row["Reported_value"] or row["Reported_value"] == row["Final_value"]


def test_same_seed_gives_same_bytes_and_another_seed_does_not(edition: Path, tmp_path: Path) -> None:
    generate.generate(ROWS, tmp_path / "again.zip")
    generate.generate(ROWS, tmp_path / "other.zip", seed=1)
    assert (tmp_path / "again.zip").read_bytes() == edition.read_bytes()
    assert (tmp_path / "other.zip").read_bytes() != edition.read_bytes()


def test_reader_of_the_source_reads_every_row(edition: Path, tmp_path: Path) -> None:
    batches = list(batis.SOURCE.read({batis.ARCHIVE: edition}, tmp_path))
    assert sum(batch.num_rows for batch in batches) == ROWS
    assert set(batches[0].column("edition").to_pylist()) == {"oecd"}


@pytest.mark.parametrize(("size", "rows"), [("full", 50_172_380), ("5million", 5_000_000), ("20000", 20_000)])
def test_size_is_a_name_or_a_number(size: str, rows: int) -> None:
    assert generate.rows_of(size) == rows


def test_full_edition_has_as_many_economies_as_fit() -> None:
    assert generate.economies_of(generate.FULL_EDITION) == 201


def test_wrong_sizes_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="neither a number of rows nor one of"):
        generate.rows_of("many")
    with pytest.raises(ValueError, match="too small: 3 economies take 11160"):
        generate.generate(11_159, tmp_path / "small.zip")
