"""The dimensions: every sample file's codes are known, trees have no cycles, members of groups have dates."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import py7zr
import pyarrow.csv
import pytest

from warehouse.config import DBT_PROJECT_DIR, SAMPLE_DIR

SEEDS = DBT_PROJECT_DIR / "seeds"
GROUPS = {"ASEAN", "BRI65", "BRIMOU", "BRICS", "CPTPP", "DEPA", "EU", "G20", "OECD", "RCEP"}
TYPES = {"economy", "dissolved", "world", "group", "residual"}
FIVE = {"BRA", "RUS", "IND", "CHN", "ZAF"}
NINE = FIVE | {"EGY", "ETH", "IRN", "ARE"}
MODELS = {
    "dim_economy": "economies",
    "dim_service": "services",
    "dim_economy_group": "economy_group",
    "bridge_economy_group": "economy_group_member",
    "dim_region": "region",
}

# How to identify a publisher's table: its distinctive columns, the columns of codes, and the seed's name for
# them. BaTiS has two editions with the same columns, which differ in the length of a code.
LAYOUTS = (
    ({"REF_AREA", "DATABASE_ID"}, "data360", ["REF_AREA"]),
    ({"ReporterCode", "PartnerCode"}, "wto", ["ReporterCode", "PartnerCode"]),
    ({"type_Reporter", "type_Partner"}, "batis", ["Reporter", "Partner"]),
    ({"Reporter", "Partner", "Item_code"}, "batis_wto", ["Reporter", "Partner"]),
    ({"REPORTER_CODE", "BREAKING_SERIES"}, "wto_iso2", ["REPORTER_CODE"]),
    ({"Direction", "Country code"}, "ons", ["Country code"]),
    ({"Economy", "Flow"}, "m49", ["Economy"]),
)


def seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert rows, f"{name} is empty"
    return rows


def tables(path: Path, work: Path) -> Iterator[bytes]:
    """Yield the text tables in a file of the sample, from its archive if it is an archive."""
    magic = path.open("rb").read(8)
    if magic.startswith(b"7z\xbc\xaf"):
        with py7zr.SevenZipFile(path) as opened:
            opened.extractall(work)
        yield from (found.read_bytes() for found in work.rglob("*") if found.is_file())
    elif magic.startswith(b"PK"):
        with zipfile.ZipFile(path) as opened:
            yield from (opened.read(name) for name in opened.namelist() if name.endswith(".csv"))
    elif path.suffix == ".csv":
        yield path.read_bytes()


def codes_of_table(text: bytes) -> Iterator[tuple[str, set[str]]]:
    header = next(csv.reader([text.split(b"\n", 1)[0].decode("utf-8-sig").strip()]))
    for marks, scheme, columns in LAYOUTS:
        if not marks <= set(header):
            continue
        wanted = columns + [name for name in ("Item_code", "Category") if name in header]
        table = pyarrow.csv.read_csv(
            io.BytesIO(text.removeprefix(b"\xef\xbb\xbf")),
            read_options=pyarrow.csv.ReadOptions(encoding="cp1252" if scheme.startswith("wto") else "utf-8"),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pyarrow.string()),
                strings_can_be_null=False,
            ),
        )
        found = {column: set(table[column].unique().to_pylist()) for column in wanted}
        codes = set().union(*(found[column] for column in columns))
        if scheme.startswith("batis"):
            scheme = "batis" if any(len(code) == 3 and code.isalpha() for code in codes) else "batis_wto"
        yield scheme, codes
        if "Item_code" in found:
            yield "service", found["Item_code"]
        if "Category" in found:
            yield "unctad_category", found["Category"]
        return


@pytest.fixture(scope="module")
def sample_codes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Collect every code in a file of the sample, by scheme, without the readers of the product."""
    codes: dict[str, set[str]] = defaultdict(set)
    for path in sorted(SAMPLE_DIR.glob("night-*/**/*")):
        if not path.is_file():
            continue
        if path.suffix == ".json" and "api.worldbank.org" in path.parts:
            codes["worldbank"] |= {row["country"]["id"] for row in json.loads(path.read_text())[1]}
        elif path.suffix == ".dta" or path.open("rb").read(11) == b"<stata_dta>":
            codes["atlas"] |= {str(code) for code in pd.read_stata(path)["country_id"].unique()}
        else:
            for text in tables(path, tmp_path_factory.mktemp("unpacked")):
                for scheme, found in codes_of_table(text):
                    codes[scheme] |= found
    return codes


def known() -> dict[str, set[str]]:
    by_scheme: dict[str, set[str]] = defaultdict(set)
    for row in seed("economy_code"):
        by_scheme[row["scheme"]].add(row["code"])
    by_scheme["service"] = {row["service"] for row in seed("services")}
    by_scheme["unctad_category"] = {row["category"] for row in seed("unctad_category")}
    return by_scheme


def test_every_code_of_every_sample_file_is_known(sample_codes: dict[str, set[str]]) -> None:
    assert {"atlas", "batis", "m49", "ons", "worldbank", "wto"} <= set(sample_codes), (
        "a publisher's files were not recognised"
    )
    assert all(sample_codes.values())
    mapped = known()
    unknown = {scheme: sorted(codes - mapped[scheme]) for scheme, codes in sample_codes.items()}
    assert not {scheme: codes for scheme, codes in unknown.items() if codes}


@pytest.mark.parametrize(
    ("scheme", "code", "economy"),
    [
        ("batis_wto", "NA", "NAM"),
        ("batis_wto", "888", "XKX"),
        ("batis_wto", "WL", "WLD"),
        ("batis", "XKV", "XKX"),
        ("batis", "W", "WLD"),
        ("batis", "EU27_2020", "EUU"),
        ("atlas", "4", "AFG"),
        ("atlas", "914", "ATLAS_914"),
        ("wto", "000", "WLD"),
        ("wto", "918", "EUU"),
        ("wto", "892", "SRB"),
        ("wto", "076", "BRA"),
        ("ons", "CS", "ONS_CS"),
        ("ons", "W1", "WLD"),
        ("data360", "SSF", "SSF"),
        ("m49", "736", "XSD"),
        ("wto", "736", "SDN"),
    ],
)
def test_ambiguous_codes(scheme: str, code: str, economy: str) -> None:
    found = {(row["scheme"], row["code"]): row["economy"] for row in seed("economy_code")}
    assert found[scheme, code] == economy


def test_no_scheme_has_two_codes_for_an_economy() -> None:
    counts = Counter((row["scheme"], row["economy"]) for row in seed("economy_code"))
    assert not [pair for pair, count in counts.items() if count > 1]


def test_every_economy_has_both_names_a_type_and_valid_dates() -> None:
    economies = seed("economies")
    assert {row["economy_type"] for row in economies} == TYPES
    for row in economies:
        assert row["name_en"] and row["name_zh"] and row["source_url"].startswith("http"), row
        if row["economy_type"] == "dissolved":
            assert date.fromisoformat(row["valid_from"]) < date.fromisoformat(row["valid_to"]), row
        else:
            assert not row["valid_to"], row
    kinds = {row["economy"]: row["economy_type"] for row in economies}
    assert {kinds[code] for code in ("HKG", "MAC", "TWN", "XKX")} == {"economy"}
    dissolved = ("SUN", "YUG", "CSK", "ANT", "SCG", "XSD", "XET", "DDR", "YMD")
    assert {kinds[code] for code in dissolved} == {"dissolved"}
    assert kinds["ATLAS_914"] == kinds["WXD"] == "residual"
    assert kinds["WXEU"] == kinds["WXOECD"] == kinds["EUU"] == "group"


def members(rows: list[dict[str, str]], group: str, day: str) -> set[str]:
    return {
        row["economy"]
        for row in rows
        if row["group_code"] == group
        and (not row["valid_from"] or row["valid_from"] <= day)
        and (not row["valid_to"] or day <= row["valid_to"])
    }


def test_no_member_of_a_group_is_a_group_and_dates_are_valid() -> None:
    kinds = {row["economy"]: row["economy_type"] for row in seed("economies")}
    rows = seed("economy_group_member")
    assert {row["group_code"] for row in seed("economy_group")} == GROUPS
    assert {row["group_code"] for row in rows} == GROUPS
    for row in rows:
        assert kinds[row["economy"]] == "economy", row
        assert row["source_url"].startswith("http"), row
        for day in (row["valid_from"], row["valid_to"]):
            assert not day or date(1958, 1, 1) <= date.fromisoformat(day) <= date(2026, 12, 31), row
        assert not (row["valid_from"] and row["valid_to"]) or row["valid_from"] < row["valid_to"], row
        assert row["valid_from"] or row["group_code"] == "BRI65" or "no date in the list" in row["note"], row
    assert max(Counter((row["group_code"], row["economy"]) for row in rows).values()) == 1


@pytest.mark.parametrize(
    ("group", "day", "expected"),
    [
        ("BRICS", "2010-12-31", FIVE - {"ZAF"}),
        ("BRICS", "2019-12-31", FIVE),
        ("BRICS", "2023-12-31", FIVE),
        ("BRICS", "2024-12-31", NINE),
        ("BRICS", "2025-12-31", NINE | {"IDN"}),
        ("DEPA", "2020-12-31", set()),
        ("DEPA", "2021-12-31", {"SGP", "NZL", "CHL"}),
        ("DEPA", "2024-12-31", {"SGP", "NZL", "CHL", "KOR"}),
    ],
)
def test_members_of_a_day(group: str, day: str, expected: set[str]) -> None:
    assert members(seed("economy_group_member"), group, day) == expected


@pytest.mark.parametrize(
    ("group", "day", "count"),
    [
        ("BRI65", "2019-12-31", 65),
        ("BRIMOU", "2025-06-30", 150),
        ("RCEP", "2021-12-31", 0),
        ("RCEP", "2022-01-31", 10),
        ("RCEP", "2023-12-31", 15),
        ("CPTPP", "2018-12-31", 6),
        ("CPTPP", "2023-12-31", 11),
        ("CPTPP", "2024-12-31", 12),
        ("ASEAN", "2019-12-31", 10),
        ("EU", "1958-12-31", 6),
        ("EU", "2019-12-31", 28),
        ("EU", "2020-12-31", 27),
        ("G20", "2019-12-31", 19),
        ("OECD", "1961-12-31", 19),
        ("OECD", "2019-12-31", 36),
        ("OECD", "2021-12-31", 38),
    ],
)
def test_how_many_members_a_day_has(group: str, day: str, count: int) -> None:
    assert len(members(seed("economy_group_member"), group, day)) == count


def test_memorandum_list_has_its_exits() -> None:
    rows = seed("economy_group_member")
    left = {row["economy"] for row in rows if row["group_code"] == "BRIMOU" and row["valid_to"]}
    assert left == {"ITA", "PAN"}
    assert "ITA" in members(rows, "BRIMOU", "2022-12-31")
    assert "ITA" not in members(rows, "BRIMOU", "2023-12-31")


def test_no_member_joined_before_its_group_was_founded() -> None:
    founded = {row["group_code"]: row for row in seed("economy_group")}
    for row in founded.values():
        assert date(1958, 1, 1) <= date.fromisoformat(row["valid_from"]) <= date(2026, 12, 31), row
        assert row["valid_from_source_url"].startswith("http"), row
    assert founded["BRI65"]["valid_from"] == founded["BRIMOU"]["valid_from"] == "2013-09-07"
    for row in seed("economy_group_member"):
        assert not row["valid_from"] or row["valid_from"] >= founded[row["group_code"]]["valid_from"], row


def test_brics_explains_why_saudi_arabia_is_not_counted() -> None:
    [brics] = [row for row in seed("economy_group") if row["group_code"] == "BRICS"]
    assert "Saudi Arabia is not counted" in brics["definition"]


def test_services_are_one_tree_without_orphan_or_cycle() -> None:
    services = {row["service"]: row for row in seed("services")}
    assert [code for code, row in services.items() if not row["parent_service"]] == ["GS"]
    for code, row in services.items():
        above, path = row, [code]
        while above["parent_service"]:
            assert above["parent_service"] in services, f"{path[-1]} has no parent"
            path.append(above["parent_service"])
            assert len(path) == len(set(path)), f"a cycle: {path}"
            above = services[above["parent_service"]]
        assert int(row["level"]) == len(path) - 1, code
    parts = [row for row in services.values() if (row["parent_service"], row["is_derived"]) == ("S", "false")]
    assert {row["service"] for row in parts} == {f"S{letter}" for letter in "ABCDEFGHIJKL"}
    assert {"SC1", "SC11", "SDB2", "SF41", "SH42", "SI21", "SJ1121", "SJ213", "SK24", "SL3"} <= set(services)
    assert len(services) > 120


def test_every_item_has_names_flags_and_a_definition_and_groups_have_members() -> None:
    services = {row["service"]: row for row in seed("services")}
    for code, row in services.items():
        assert row["name_en"] and row["name_zh"], code
        assert len(row["definition"]) > 20 and row["source_url"].startswith("http"), code
        if row["is_derived"] == "true":
            assert "never summed" in row["definition"].lower(), code
    groups = defaultdict(set)
    for row in seed("service_group_member"):
        groups[row["group_service"]].add(row["service"])
        assert services[row["group_service"]]["is_derived"] == "true", row
        assert services[row["service"]]["is_derived"] == "false", row
    six = {"SF", "SG", "SH", "SI", "SJ", "SK"}
    assert groups["DDS"] == groups["KIS"] == six
    assert groups["TRAD"] == {"SC", "SD", "SE"}
    assert groups["SOX"] == {f"S{letter}" for letter in "ABCDEFGHIJK"}
    assert groups["SPX1"] == groups["SOX1"] | {"SL"} and groups["SPX4"] == {"SA", "SB"}
    assert "INFERRED" in services["KIS"]["definition"]
    flags = ("is_knowledge_intensive", "is_digitally_deliverable", "is_traditional")
    for flag, group in zip(flags, ("KIS", "DDS", "TRAD"), strict=True):
        assert {code for code, row in services.items() if row[flag] == "true" and row["level"] == "2"} == (
            groups[group] | {group}
        )


def test_every_province_is_in_exactly_one_region_of_the_bureau() -> None:
    regions = {row["region"]: row for row in seed("region")}
    provinces = {code for code, row in regions.items() if row["region_type"] == "province"}
    assert len(provinces) == 31 and all(len(code) == 6 and code.endswith("0000") for code in provinces)
    parts = defaultdict(list)
    for row in seed("region_member"):
        assert row["region"] in provinces, row
        parts[row["region_group"]].append(row["region"])
    bureau = [code for code, row in regions.items() if row["region_type"] == "nbs_region"]
    assert {code: len(parts[code]) for code in bureau} == {
        "NBS_EAST": 10,
        "NBS_CENTRAL": 6,
        "NBS_WEST": 12,
        "NBS_NORTHEAST": 3,
    }
    assert Counter(code for group in bureau for code in parts[group]) == Counter(dict.fromkeys(provinces, 1))
    assert sorted(parts["BTH"]) == ["110000", "120000", "130000"]
    assert len(parts["YREB"]) == 11
    assert parts["PRD"] == ["440000"] and "province" in regions["PRD"]["name_en"]


def test_release_has_the_dimensions_row_by_row(built: Path) -> None:
    with duckdb.connect(str(built), read_only=True) as db:
        for model, name in MODELS.items():
            assert db.execute(f"select count(*) from core.{model}").fetchone() == (len(seed(name)),)


def test_estimates_of_a_source_have_a_precedence() -> None:
    """A source that marks estimates has both kinds of value; without a line, no series could be preferred."""
    known = {(row["source"], row["value_type"]) for row in seed("source_precedence")}
    staging = DBT_PROJECT_DIR / "models" / "staging"
    models = {source: staging / f"stg_{source}.sql" for source, _ in known}
    marking = {source for source, path in models.items() if "value_type_of_flag(" in path.read_text()}
    assert {"data360_digital", "worldbank_wdi", "wto_services"} <= marking
    assert {(source, kind) for source in marking for kind in ("reported", "estimated")} <= known


def test_namibia_is_text(built: Path) -> None:
    with duckdb.connect(str(built), read_only=True) as db:
        assert db.execute("select iso2 from core.dim_economy where economy = 'NAM'").fetchone() == ("NA",)
    schemes = {
        row["scheme"] for row in seed("economy_code") if (row["code"], row["economy"]) == ("NA", "NAM")
    }
    assert schemes == {"batis_wto", "ons", "worldbank", "wto_iso2"}


def test_membership_in_the_release_is_dated(built: Path) -> None:
    query = """
        select economy from core.bridge_economy_group
        where group_code = 'BRICS' and valid_from <= ? and coalesce(valid_to, date '9999-12-31') >= ?
    """
    with duckdb.connect(str(built), read_only=True) as db:
        for day, expected in ((date(2019, 12, 31), FIVE), (date(2024, 12, 31), NINE)):
            assert {economy for (economy,) in db.execute(query, [day, day]).fetchall()} == expected


@pytest.mark.parametrize(("day", "count"), [(date(2013, 9, 6), 0), (date(2013, 9, 7), 65)])
def test_undated_lists_begin_with_their_group(built: Path, day: date, count: int) -> None:
    with duckdb.connect(str(built), read_only=True) as db:
        members = db.execute(
            "select count(*) from core.bridge_economy_group where group_code = 'BRI65' and valid_from <= ?",
            [day],
        ).fetchone()
        undated = db.execute(
            "select min(valid_from) from core.bridge_economy_group where group_code = 'BRIMOU'"
        ).fetchone()
    assert members == (count,)
    assert undated == (date(2013, 9, 7),)


def test_goods_outside_the_dates_of_an_economy_are_explained(built: Path) -> None:
    """The WTO's file has three: the Netherlands Antilles, the GDR and Democratic Yemen, all from 1948."""
    with duckdb.connect(str(built), read_only=True) as db:
        found = db.execute(
            "select reporter, min(year(period_start)), max(year(period_end)) from core.fct_goods_trade"
            " join core.dim_economy on reporter = economy"
            " where period_end < valid_from or period_start > valid_to group by reporter order by reporter"
        ).fetchall()
    assert found == [("ANT", 1948, 1953), ("DDR", 1948, 1948), ("YMD", 1948, 1966)]
    explained = {row["economy"]: int(row["first_year"]) for row in seed("economy_predecessor")}
    assert explained == {economy: first for economy, first, _ in found}
    economies = {row["economy"]: row for row in seed("economies")}
    for economy, first in explained.items():
        assert first < int(economies[economy]["valid_from"][:4]), economy
        assert economies[economy]["economy_type"] == "dissolved"
