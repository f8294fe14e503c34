"""Curated figures: the folder as a source, the contract of its columns, and its listing."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from warehouse.cli.curated import EXAMPLE
from warehouse.config import CURATED_DIR
from warehouse.errors import SourceError, WarehouseError
from warehouse.fetch import Limits, fetch, read_pull
from warehouse.model import raw_schema
from warehouse.sources._curated_plausible import implausible
from warehouse.sources._curated_rules import COLUMNS, PRINTED, examine, read_vocabulary, unknown_codes
from warehouse.sources.curated import SOURCE, file_names

FIXTURES = Path(__file__).parents[1] / "fixtures" / "curated"
ROW = dict.fromkeys(COLUMNS, "") | EXAMPLE
SEEDS = read_vocabulary()
HEADER = ",".join(COLUMNS)
FIGURE = (
    "2023,China,economy,trade,S,exports,26856.6,100 million,CNY,https://www.mofcom.gov.cn/2024.html,,stated,"
)


def written(path: Path, *rows: dict[str, str]) -> Path:
    text = io.StringIO()
    sheet = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    sheet.writeheader()
    sheet.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def rows_of(folder: Path, tmp_path: Path) -> list[dict[str, object]]:
    files = {path.name: path for path in sorted(folder.glob("*.csv"))}
    batches = list(SOURCE.read(files, tmp_path))
    assert all(batch.schema == raw_schema((*COLUMNS, "implausible")) for batch in batches)
    return pa.Table.from_batches(batches).to_pylist()


def test_shipped_figures_equal_the_publications(tmp_path: Path) -> None:
    # Counted with `wc -l` less the headers: 181 + 195 + 101 + 50.
    rows = rows_of(CURATED_DIR, tmp_path)
    assert len(rows) == 527
    # Printed in the releases: 2 236.44 billion yuan of exports from January to November of 2021.
    [exports] = [
        row
        for row in rows
        if (row["period"], row["service"], row["flow"], row["measure"])
        == ("2021-01/2021-11", "S", "exports", "trade")
    ]
    assert (exports["value"], exports["unit"], exports["currency"]) == ("22364.4", "100 million", "CNY")
    # The same 3.24 billion is printed for January and February of Hainan.
    [hainan] = [row for row in rows if row["area"] == "Hainan" and row["period"] == "2020-Q1"]
    assert hainan["status"] == "contradicted"
    assert {row["excerpt"] for row in rows} == {None}
    assert {row["implausible"] for row in rows} == {None}
    assert all(
        row["status"] == "unverified"
        for row in rows
        if not str(row["page"]).startswith(("http://", "https://"))
    )


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("period", "2021-13", "2021-08"),
        ("period", "2021-11/2021-01", "2018-01/2018-07"),
        ("period", "2023/12/31", "format the column as text"),
        ("period", "Aug-21", "format the column as text"),
        ("period", "２０２３", "2021-08"),
        ("area", "", "the area's name"),
        ("area_type", "county", "one of economy"),
        ("area_type", "province (category)", 'the suffix "(category)"'),
        ("measure", "level", "one of trade"),
        ("service", "Travel", "EBOPS 2010"),
        ("flow", "export", "one of exports"),
        ("value", "22,364.4", "without thousands commas"),
        ("value", "-5", "not negative"),
        ("value", "２６８５６.６", "in the digits 0 to 9"),
        ("value", "–12041.4", "- as the minus sign"),
        ("value", "38 898.0", "without thousands commas, spaces"),
        ("value", "38\u00a0898.0", "non-breaking spaces"),
        ("area", "China\u00a0", "non-breaking spaces"),
        ("unit", "亿元", "100 million"),
        ("unit", "percent", "million"),
        ("unit", "dozen", "or add dozen,<millions>,<source_url> to dbt_project/seeds/curated_unit.csv"),
        ("currency", "", "ISO 4217"),
        ("currency", "usd", "ISO 4217"),
        ("currency", "RMB", "CNY or USD, the ISO 4217 codes in dbt_project/seeds/curated_area.csv for China"),
        ("currency", "GBP", "CNY or USD"),
        ("page", "cr-cbt.com/news", "the status must be unverified"),
        ("excerpt", "x" * 301, "at most 300"),
        ("status", "sure", "one of stated"),
        ("note", " padded", "without surrounding spaces"),
        ("note", "printed: roughly", "one of rounded, about, more than, less than"),
        ("note", "printed: about 5 trillion", "then a semicolon or the end of the note"),
        ("note", "printed:rounded", "one of rounded"),
        ("note", "printed: about; printed: rounded", "one of rounded"),
    ],
)
def test_each_column_rejects_unexpected_values(
    column: str, value: str, expected: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "a.csv", ROW, {**ROW, "period": "2020", column: value})
    _, problems = examine(path, SEEDS)
    assert [
        (problem.line, problem.column, problem.value) for problem in problems if expected in problem.expected
    ] == [(3, column, value)]
    with pytest.raises(SourceError, match=f"line 3, {column}"):
        fetch(SOURCE, tmp_path / "files", curated=tmp_path)


@pytest.mark.parametrize("word", PRINTED)
def test_note_may_state_how_the_page_prints_an_inexact_figure(word: str, tmp_path: Path) -> None:
    for note in (
        f"printed: {word}",
        f'printed: {word}; "over 5 trillion"',
        f"checked: twice; printed: {word}",
    ):
        _, problems = examine(written(tmp_path / "a.csv", ROW | {"note": note}), SEEDS)
        assert not problems, note


def test_spans_are_periods_in_both_notations(tmp_path: Path) -> None:
    spans = ("2018-01/2018-07", "2018-01..2018-08", "2016/2020", "2021-Q3", "2021-08")
    _, problems = examine(written(tmp_path / "a.csv", *({**ROW, "period": span} for span in spans)))
    assert problems == []


def test_duplicate_figure_short_row_and_unknown_header_are_reported(tmp_path: Path) -> None:
    assert "the same figure as line 2" in str(examine(written(tmp_path / "a.csv", ROW, ROW))[1][0])
    path = written(tmp_path / "b.csv", ROW)
    path.write_text(path.read_text() + "2021,China\n")
    assert "line 3: 2 values" in str(examine(path)[1][0])
    path.write_text("period;area\n")
    assert "line 1: header period;area" in str(examine(path)[1][0])
    path.write_text(",".join(COLUMNS) + "\n")
    assert "no figure" in str(examine(path)[1][0])
    path.write_bytes(b"period\n\xff\n")
    assert "line 2: byte 0xff" in str(examine(path)[1][0])


def test_folder_is_read_without_network(tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    folder.mkdir()
    written(folder / "mine.csv", ROW)
    got = fetch(SOURCE, tmp_path / "files", curated=folder, limits=Limits())
    assert [(answer.address, answer.via) for answer in got] == [
        ("curated://", "curated"),
        ("curated://mine.csv", "curated"),
    ]
    assert (tmp_path / "files" / "mine.csv").read_bytes() == (folder / "mine.csv").read_bytes()


def test_listed_file_outside_the_folder_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    written(tmp_path / "outside.csv", ROW)
    listing = next(SOURCE.plan())

    def listed_outside():  # type: ignore[no-untyped-def]
        yield replace(listing, name="a.csv", url="curated://../outside.csv", kind="csv")

    with pytest.raises(SourceError, match="no such file"):
        fetch(replace(SOURCE, plan=listed_outside), tmp_path / "files", curated=tmp_path / "figures")
    with pytest.raises(SourceError, match="has no CSV file"):
        fetch(SOURCE, tmp_path / "files", curated=tmp_path / "figures")


def test_mirror_takes_precedence_over_the_folder(tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "files.json").write_text('["a.csv"]')
    written(mirror / "a.csv", ROW)
    answers = [{"address": f"curated://{n}", "file": n or "files.json"} for n in ("", "a.csv")]
    (mirror / "index.json").write_text(json.dumps({"name": "recorded", "answers": answers}))
    got = fetch(SOURCE, tmp_path / "files", mirror=str(mirror), curated=tmp_path / "nowhere")
    assert {answer.via for answer in got} == {"recorded"}


@pytest.mark.parametrize("data", [b'["a.csv"]["b.csv"]', b'["a\xff.csv"]', b"", b"[", b"[NaN]"])
def test_listing_that_is_not_json_is_rejected_by_name(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "files.json"
    path.write_bytes(data)
    with pytest.raises(WarehouseError, match=r"^curated: .*file files\.json"):
        file_names(path)
    path.write_text('["a.csv", "A.csv"]')
    with pytest.raises(SourceError, match=r"'A\.csv' is listed twice"):
        file_names(path)
    path.write_bytes(b'\xef\xbb\xbf["a.csv"]')
    assert file_names(path) == ["a.csv"], "a byte order mark is ignored"


@pytest.mark.parametrize(
    ("area", "area_type", "currency", "expected"),
    [
        ("United Kingdom", "mirror_economy", "RMB", "GBP or USD"),
        ("Australia", "mirror_economy", "GPB", "AUD or USD"),
        ("European Union", "mirror_group", "CNY", "EUR or USD"),
        ("Belt and Road countries", "partner_group", "RMB", "CNY or USD"),
        ("Hainan", "province", "YEN", "CNY or USD"),
    ],
)
def test_currency_must_be_one_of_the_area(
    area: str, area_type: str, currency: str, expected: str, tmp_path: Path
) -> None:
    row = {**ROW, "area": area, "area_type": area_type, "unit": "billion", "value": "13.2"}
    good = written(tmp_path / "a.csv", {**row, "currency": expected[:3]}, {**row, "currency": "USD"})
    assert examine(good, SEEDS)[1] == []
    (problem,) = examine(written(tmp_path / "b.csv", {**row, "currency": currency}), SEEDS)[1]
    assert (problem.line, problem.column, problem.value) == (2, "currency", currency)
    assert problem.expected.startswith(f"{expected}, the ISO 4217 codes")


def test_currencies_of_the_seed_are_iso_4217() -> None:
    codes = {code for currencies in SEEDS.areas.values() for code in currencies}
    # Checked against list one of https://www.six-group.com/en/products-services/financial-information.html
    assert codes == {"AUD", "CNY", "EUR", "GBP", "HKD", "KRW", "NZD", "SGD", "USD"}


def test_units_of_the_seed_are_exact_millions() -> None:
    # 10 000 = 0.01 million, 100 000 000 = 100 million, 1 000 000 000 000 = 1 000 000 million.
    expected = "千 0.001 万 0.01 百万 1 千万 10 亿 100 十亿 1000 百亿 10000 千亿 100000 万亿 1000000"
    expected += " thousand 0.001 million 1 billion 1000 trillion 1000000"
    words = expected.split()
    found = {unit: str(millions) for unit, millions in SEEDS.units.items()}
    assert found == dict(zip(words[::2], words[1::2], strict=True)) | {
        "10 thousand": "0.01",
        "10 million": "10",
        "100 million": "100",
    }


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            f"{HEADER}\n{FIGURE}商务部\n".encode("gb18030"),
            r"line 2: byte 0xc9, text in GBK .* UTF-8.*CSV UTF-8",
        ),
        (f"{HEADER}\n{FIGURE}亿\n".encode("gb18030"), "line 2: byte 0xd2, text in GBK"),
        (f"{HEADER}\n{FIGURE}Curaçao\n".encode("cp1252"), "line 2: byte 0xe7, .*such as Windows-1252.*UTF-8"),
        (f"{HEADER}\n".encode("utf-16"), "line 1: text in UTF-16.*CSV UTF-8"),
        (f"{HEADER}\n{FIGURE}\n".replace(",", ";").encode(), "line 1: .*semicolons between.*expected commas"),
        (f"{HEADER}\n{FIGURE}\n".replace(",", "\t").encode(), "line 1: .*tabs between.*expected commas"),
    ],
)
def test_files_of_excel_that_are_not_utf_8_with_commas_are_named(
    data: bytes, expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    (problem,) = examine(path)[1]
    assert re.match(expected, str(problem))


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + f"{HEADER}\r\n{FIGURE}\r\n".encode(),
        f"{HEADER}\n{FIGURE}\n{',' * 12}\n\n{',' * 12}\n".encode(),
        f"{HEADER},,\n{FIGURE},,\n{',' * 14}\n".encode(),
        f"{HEADER}\r{FIGURE}\r".encode(),
        f"{HEADER}, ,\n{FIGURE},  ,\t\n{',' * 12}, , \n".encode(),
    ],
    ids=[
        "byte order mark and CRLF",
        "empty rows at the end",
        "empty columns at the end",
        "CR",
        "blank columns",
    ],
)
def test_files_of_excel_with_other_packaging_are_read(data: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    folder.mkdir()
    (folder / "a.csv").write_bytes(data)
    fetch(SOURCE, tmp_path / "files", curated=folder)
    (row,) = rows_of(folder, tmp_path)
    assert (row["period"], row["value"], row["unit"], row["_row"]) == ("2023", "26856.6", "100 million", 2)


def test_unknown_area_and_service_are_reported_with_the_line_to_add(tmp_path: Path) -> None:
    rows, problems = examine(
        written(tmp_path / "a.csv", {**ROW, "area": "Atlantis"}, {**ROW, "service": "diplomacy"}), SEEDS
    )
    assert problems == [], "they land, and are held out of the tables"
    assert [str(problem) for problem in unknown_codes(rows, SEEDS)] == [
        "line 2, area 'Atlantis'; expected an area of dbt_project/seeds/curated_area.csv: add "
        "Atlantis,economy,<reporter>,<partner>,<region>,<currencies>,,<source_url>",
        "line 3, service 'diplomacy'; expected a service of dbt_project/seeds/curated_service.csv: add "
        "diplomacy,<code of services.csv>,,<source_url>",
    ]


def test_file_with_a_problem_fails_alone_until_it_is_corrected(tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    folder.mkdir()
    written(folder / "a.csv", ROW)
    written(folder / "b.csv", {**ROW, "period": "2020", "currency": "RMB"})
    written(folder / "c.csv", {**ROW, "period": "2019"})
    got = fetch(SOURCE, tmp_path / "files", curated=folder)
    assert [file.name for file in got] == ["files.json", "a.csv", "c.csv"]
    (failed,) = read_pull(tmp_path / "files").failed_parts
    assert (failed.part, failed.carried_from) == ("b.csv", None)
    assert "line 2, currency 'RMB'; expected CNY" in failed.reason and "(file b.csv)" in failed.reason
    written(folder / "b.csv", {**ROW, "period": "2020"})
    got = fetch(SOURCE, tmp_path / "again", curated=folder)
    assert [file.name for file in got] == ["files.json", "a.csv", "b.csv", "c.csv"]
    assert read_pull(tmp_path / "again").failed_parts == ()
    # The figures of the last vintage are used while a known file has a problem.
    held = {file.address: (file, tmp_path / "again" / file.name) for file in got}
    (folder / "b.csv").write_text("period;area\n")
    fetch(SOURCE, tmp_path / "third", curated=folder, held=held, last_vintage="2026-11-27")
    (failed,) = read_pull(tmp_path / "third").failed_parts
    assert (failed.part, failed.carried_from) == ("b.csv", "2026-11-27")
    assert "2020" in (tmp_path / "third" / "b.csv").read_text()


def test_figure_of_two_files_is_reported_in_the_second(tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    folder.mkdir()
    for name in ("a.csv", "b.csv"):
        written(folder / name, ROW)
    fetch(SOURCE, tmp_path / "files", curated=folder)
    (failed,) = read_pull(tmp_path / "files").failed_parts
    assert failed.part == "b.csv" and "the same figure as a.csv line 2" in failed.reason


def doubts_of(*figures: str, tmp_path: Path, shipped: bool = False) -> dict[str, str]:
    """Return the reasons by `period flow value` of figures in a file beside the shipped ones or alone."""
    rows = [
        {**ROW, "note": ""} | dict(pair.split("=", 1) for pair in figure.split("; ")) for figure in figures
    ]
    paths = sorted(CURATED_DIR.glob("*.csv")) if shipped else []
    by_file = {}
    for path in [*paths, written(tmp_path / "zz_new.csv", *rows)]:
        by_file[path.name], problems = examine(path, SEEDS)
        assert problems == []
    return {
        " ".join(dict(by_file[name])[line][column] for column in ("period", "flow", "value")): str(doubt)
        for (name, line), doubt in implausible(by_file, SEEDS.units).items()
    }


def test_amount_ten_times_its_neighbours_is_held_until_it_is_confirmed(tmp_path: Path) -> None:
    slip = "period=2023; flow={}; value={}; unit={}; note={}"
    exports, imports = ("exports", "26856.6"), ("imports", "38898.0")
    found = doubts_of(
        slip.format(*exports, "billion", ""),
        slip.format(*imports, "billion", ""),
        tmp_path=tmp_path,
        shipped=True,
    )
    # Of 2022 the release prints 28 500 and 31 300 in 100 million: 268566 / 28500 = 9.42 and
    # 388980 / 31300 = 12.4.
    assert set(found) == {"2023 exports 26856.6", "2023 imports 38898.0"}
    assert "line 2, value '26856.6' is implausible: it is 9.4" in found["2023 exports 26856.6"]
    assert "correct it, or confirm it with `checked: <reason>` in the note" in found["2023 exports 26856.6"]
    right = [slip.format(*flow, "100 million", "") for flow in (exports, imports)]
    assert doubts_of(*right, tmp_path=tmp_path, shipped=True) == {}
    confirmed = slip.format(*exports, "billion", "new coverage, checked: the page prints it twice")
    assert doubts_of(confirmed, right[1], tmp_path=tmp_path, shipped=True) == {}


@pytest.mark.parametrize(
    ("figure", "reason"),
    [
        ("measure=share; unit=percent; currency=; value=0.445", "often a fraction, 0.445 for 44.5"),
        ("measure=share; unit=percent; currency=; value=110", "from 0 to 100"),
        ("measure=growth; unit=percent; value=0.161", "often a fraction, 0.161 for 16.1"),
        ("measure=growth; unit=percent; value=161", "above 100 percent is rare"),
        ("measure=growth; unit=percent; value=-161", "shrink by more than 100"),
    ],
)
def test_percentages_that_look_wrong_are_held(figure: str, reason: str, tmp_path: Path) -> None:
    (found,) = doubts_of(figure, tmp_path=tmp_path).values()
    assert reason in found
    assert doubts_of(f"{figure}; note=checked: the page prints it so", tmp_path=tmp_path) == {}


def test_growth_rate_is_compared_with_its_amounts(tmp_path: Path) -> None:
    amounts = ("period=2021; value=120", "period=2020; value=100")  # 20 percent
    growth = "period=2021; measure=growth; unit=percent; value={}"
    assert doubts_of(*amounts, growth.format("18.5"), tmp_path=tmp_path) == {}
    (found,) = doubts_of(*amounts, growth.format("-20.5"), tmp_path=tmp_path).values()
    assert "120 100 million of 2021 (zz_new.csv line 2) is 20.0 percent above 100" in found
    # 0.19 is within 20 points of 20, and as a fraction it is 19.
    (found,) = doubts_of(*amounts, growth.format("0.19"), tmp_path=tmp_path).values()
    assert "value '0.19' is implausible" in found and "is 20.0 percent above 100" in found
    flat = ("period=2021; value=100.2", "period=2020; value=100")
    assert doubts_of(*flat, growth.format("0.25"), tmp_path=tmp_path) == {}
    # With no amount of the year before, a small growth rate of one decimal is plausible.
    assert doubts_of(amounts[0], growth.format("0.2"), tmp_path=tmp_path) == {}


def test_balance_larger_than_its_flows_is_held(tmp_path: Path) -> None:
    flows = ("flow=exports; value=268.5", "flow=imports; value=388.9")
    assert doubts_of(*flows, "flow=balance; value=-120.4", tmp_path=tmp_path) == {}
    found = doubts_of(*flows, "flow=balance; value=-1204", tmp_path=tmp_path)
    assert list(found) == ["2021-01/2021-11 balance -1204"]


def test_right_figures_stay_beside_a_wrong_neighbour(tmp_path: Path) -> None:
    years = [f"period={year}; value={value}" for year, value in ((2019, 100), (2020, 90), (2021, 120))]
    assert list(doubts_of(*years, "period=2022; value=1350", tmp_path=tmp_path)) == ["2022 exports 1350"]
    # By year: 10 in one month is 120, and 60 in half a year too.
    parts = ("period=2021-12; value=10", "period=2021-01/2021-06; value=60")
    assert doubts_of(*years, *parts, tmp_path=tmp_path) == {}
    # Exports and imports are neighbours where there is one other year.
    found = doubts_of(
        "period=2021; value=8.2",
        "period=2021; value=2.5; flow=imports",
        "period=2022; value=82",
        tmp_path=tmp_path,
    )
    assert list(found) == ["2022 exports 82"]
    # Left out: figures that another page contradicts.
    assert doubts_of(*years, "period=2022; value=1350; status=contradicted", tmp_path=tmp_path) == {}
