"""World Bank indicators: two recorded vintages, the plan, parts that fail alone, and rejected answers."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ingest, settings_of
from recordings import answer_plan

from warehouse.config import DBT_PROJECT_DIR, SAMPLE_DIR
from warehouse.errors import SourceError, WarehouseError
from warehouse.fetch import fetch
from warehouse.fetch.pull import read_pull
from warehouse.files import sha256_of
from warehouse.landing import store
from warehouse.model import Part, Request, raw_schema
from warehouse.sources import worldbank_wdi
from warehouse.sources.worldbank_wdi import COLUMNS, INDICATORS, SOURCE, plan_indicator

FIXTURES = Path(__file__).parents[1] / "fixtures" / "worldbank_wdi"
VINTAGES = ("2022-09-16", "2024-07-12")
SERVICES = "BX.GSR.NFSV.CD"


def rows(files: dict[str, Path], work: Path) -> list[dict[str, Any]]:
    batches = list(SOURCE.read(files, work))
    assert all(batch.schema == raw_schema(COLUMNS) for batch in batches)
    return pa.Table.from_batches(batches).to_pylist()


def vintage(day: str) -> dict[str, Path]:
    files = {path.name: path for path in sorted((FIXTURES / day).glob("*.json"))}
    assert len(files) == 4
    return files


def figure(table: list[dict[str, Any]], indicator: str, date: str) -> str | None:
    [row] = [row for row in table if row["indicator_id"] == indicator and row["date"] == date]
    value: str | None = row["value"]
    return value


@pytest.mark.parametrize(("day", "total"), [("2022-09-16", 4 * 62), ("2024-07-12", 4 * 64)])
def test_every_observation_is_read_unchanged(day: str, total: int, tmp_path: Path) -> None:
    got = rows(vintage(day), tmp_path)
    assert len(got) == total  # 1960 to 2021, and 1960 to 2023, for four indicators
    # Expected values: the digits matched in the bytes by a pattern, in order, without a JSON parser.
    for name, path in vintage(day).items():
        raw = re.findall(r'"date": "(\d{4})", "value": (null|[-0-9.eE]+)', path.read_text())
        assert len(raw) == total // 4
        mine = [row for row in got if row["_file"] == name]
        assert [(row["date"], row["value"] or "null") for row in mine] == raw
        assert [row["_row"] for row in mine] == list(range(1, len(raw) + 1))


def test_both_vintages_of_chinas_services_exports(tmp_path: Path) -> None:
    # grep -o '"date": "2021", "value": [^,]*' BX.GSR.NFSV.CD.page-1.json
    first, second = (rows(vintage(day), tmp_path) for day in VINTAGES)
    assert figure(first, SERVICES, "2021") == "338440775474.07"
    assert figure(second, SERVICES, "2021") == "339393210195.59"
    assert figure(first, SERVICES, "1998") == figure(second, SERVICES, "1998") == "62379000000"
    assert figure(first, "BM.GSR.ROYL.CD", "2021") == "46848669192.85"
    assert figure(second, "BM.GSR.ROYL.CD", "2021") == "46894697500.69"
    # Services value added in per cent of GDP: 54.4586 in the first vintage, 54.4585 in the second, rounded.
    assert figure(first, "NV.SRV.TOTL.ZS", "2020") == "54.4585607068896"
    assert figure(second, "NV.SRV.TOTL.ZS", "2020") == "54.4585357460365"


def test_row_has_every_field_and_missing_values_stay_rows(tmp_path: Path) -> None:
    got = rows(vintage("2024-07-12"), tmp_path)
    [row] = [row for row in got if row["indicator_id"] == SERVICES and row["date"] == "2021"]
    assert row == {
        "indicator_id": SERVICES,
        "indicator_name": "Service exports (BoP, current US$)",
        "country_id": "CN",
        "country_name": "China",
        "countryiso3code": "CHN",
        "date": "2021",
        "value": "339393210195.59",
        "unit": None,
        "obs_status": None,
        "decimal": "0",
        "_file": f"{SERVICES}.page-1.json",
        "_row": 3,
    }
    # 64 years, 41 of them with a value: grep -o '"value": [0-9]' | wc -l
    services = [row for row in got if row["indicator_id"] == SERVICES]
    assert (len(services), sum(row["value"] is not None for row in services)) == (64, 41)


def test_recorded_answer_of_another_page_size_is_read(tmp_path: Path) -> None:
    path = FIXTURES / "recorded" / "recorded_api_v2_NY.GDP.MKTP_US.json"
    got = rows({"NY.GDP.MKTP.CD.page-1.json": path}, tmp_path)
    assert len(got) == 62
    assert figure(got, "NY.GDP.MKTP.CD", "2021") == "22996100000000"
    assert {row["countryiso3code"] for row in got} == {"USA"}


def test_recorded_answer_with_four_of_264_rows_is_rejected(tmp_path: Path) -> None:
    # Its header has no sourcename, which is accepted; its count of rows is wrong.
    path = FIXTURES / "recorded" / "recorded_api_v2_gdp_two_aggregates.json"
    with pytest.raises(SourceError, match="page 1 of 1 has 4 observations, expected 264"):
        rows({"NY.GDP.MKTP.CD.page-1.json": path}, tmp_path)


# --- the plan ------------------------------------------------------------------------------------------


def page(number: int = 1, pages: int = 1, per_page: int = 2, total: int | None = None) -> list[Any]:
    """Return page `number` of `pages` full pages of service exports, in the documented form."""
    total = pages * per_page if total is None else total
    header = {
        "page": number,
        "pages": pages,
        "per_page": per_page,
        "total": total,
        "sourceid": "2",
        "sourcename": "World Development Indicators",
        "lastupdated": "2024-07-12",
    }
    first = (number - 1) * per_page
    observations = [
        {
            "indicator": {"id": SERVICES, "value": "Service exports (BoP, current US$)"},
            "country": {"id": "CN", "value": "China"},
            "countryiso3code": "CHN",
            "date": str(2023 - index),
            "value": 1.5,
            "unit": "",
            "obs_status": "",
            "decimal": 0,
        }
        for index in range(first, min(first + per_page, total))
    ]
    return [header, observations]


def saved(tmp_path: Path, answer: Any, name: str = "answer.json") -> Path:
    path = tmp_path / name
    path.write_bytes(answer if isinstance(answer, bytes) else json.dumps(answer).encode())
    return path


def sent(tmp_path: Path, answer: Any) -> Callable[[Request], Path]:
    """Return a function that answers each request with `answer` for the requested indicator."""

    def path_of(request: Request) -> Path:
        text = json.dumps(answer).replace(SERVICES, request.url.rpartition("/")[2])
        return saved(tmp_path, text.encode(), request.name)

    return path_of


def test_plan_requests_each_indicator_once_at_the_published_address(tmp_path: Path) -> None:
    asked: list[Request] = []

    def answer(request: Request) -> Path:
        asked.append(request)
        return sent(tmp_path, page())(request)

    answer_plan(SOURCE.plan(), answer)
    assert len(asked) == len(INDICATORS) == len({request.name for request in asked}) == 22
    assert asked[0].address == (
        "https://api.worldbank.org/v2/country/all/indicator/BG.GSR.NFSV.GD.ZS?format=json&per_page=20000&page=1"
    )
    assert [request.name for request in asked] == [f"{indicator}.page-1.json" for indicator in INDICATORS]
    assert {request.kind for request in asked} == {"json"}
    parts = list(SOURCE.plan())
    assert [part.name for part in parts if isinstance(part, Part)] == list(INDICATORS)


def test_plan_requests_every_page(tmp_path: Path) -> None:
    """The API may send fewer observations on a page than requested, and says so as a text."""
    plan = plan_indicator(SERVICES)
    request = next(plan)
    names = []
    for number in (1, 2, 3):
        names.append(request.name)
        assert ("page", str(number)) in request.params
        answer = page(number, pages=3, per_page=50, total=128)
        answer[0]["per_page"] = "50"
        for index, observation in enumerate(answer[1]):
            observation["date"] = str(1900 + 50 * number + index)
        path = saved(tmp_path, answer, request.name)
        if number < 3:
            request = plan.send(path)
        else:
            with pytest.raises(StopIteration):
                plan.send(path)
    assert names == [f"{SERVICES}.page-{number}.json" for number in (1, 2, 3)]


def test_plan_allows_for_pages_of_the_default_size(tmp_path: Path) -> None:
    """266 economies and 65 years in pages of 50, the API's default, are 346 pages."""
    plan = plan_indicator(SERVICES)
    next(plan)
    answer = page(1, pages=346, per_page=50, total=266 * 65)
    assert plan.send(saved(tmp_path, answer)).name == f"{SERVICES}.page-2.json"


ERROR_ARRAY = [{"message": [{"id": "120", "key": "Invalid value", "value": "The indicator was not found."}]}]
ARCHIVED = (
    b'[{"message":[{"id":"175","key":"Invalid format","value":"The indicator was not found. It may have been '
    b'deleted or archived."}]}]'
)
PORTAL = b"<!DOCTYPE html><html><head><title>World Bank Open Data</title></head><body>We moved</body></html>"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ERROR_ARRAY, "the publisher answered with an error: .*'120'.*The indicator was not found"),
        (ARCHIVED, "the publisher answered with an error: .*'175'.*It may have been deleted or archived"),
        ([page(total=0)[0] | {"pages": 0, "page": 0}, None], "the answer has no observations"),
        (page(2, pages=3), "the answer is page 2, requested was page 1"),
        (b"<html>400 Bad Request</html>", "an HTML or XML page; JSON is expected"),
        (page(pages=1000), "1000 pages"),
    ],
)
def test_plan_stops_at_invalid_answer(answer: Any, reason: str, tmp_path: Path) -> None:
    plan = plan_indicator(SERVICES)
    request = next(plan)
    with pytest.raises(SourceError, match=reason) as caught:
        plan.send(saved(tmp_path, answer))
    assert caught.value.address == request.address
    assert caught.value.file == request.name


def test_indicator_without_values_or_with_a_bad_value_fails_in_the_plan(tmp_path: Path) -> None:
    """The answer is read before the next indicator is requested, so that it fails alone."""
    emptied, spoiled = page(), page()
    for observation in emptied[1]:
        observation["value"] = None
    spoiled[1][1]["value"] = "n/a"
    for answer, reason in ((emptied, "BX.GSR.NFSV.CD has no value"), (spoiled, "not a number: 'n/a'")):
        plan = plan_indicator(SERVICES)
        next(plan)
        with pytest.raises(SourceError, match=reason):
            plan.send(saved(tmp_path, answer))


# --- the whole pull ------------------------------------------------------------------------------------


def mirror(tmp_path: Path, spoil: Callable[[str, bytes], bytes]) -> Path:
    """Copy the recorded answers of 2024 with a later day; `spoil` changes an indicator's bytes."""
    folder = tmp_path / "mirror"
    recorded = json.loads((SAMPLE_DIR / "night-2" / "index.json").read_text())
    answers = []
    for answer in recorded["answers"]:
        if "api.worldbank.org" in answer["address"]:
            indicator = Path(answer["file"]).stem
            file = folder / f"{indicator}.json"
            file.parent.mkdir(exist_ok=True, parents=True)
            file.write_bytes(spoil(indicator, (SAMPLE_DIR / "night-2" / answer["file"]).read_bytes()))
            dated = {"file": file.name, "sha256": sha256_of(file), "retrieved_at": "2026-11-01T00:00:00Z"}
            answers.append(answer | dated)
    assert len(answers) == 22
    (folder / "index.json").write_text(json.dumps(recorded | {"answers": answers}))
    return folder


def landed_twice(tmp_path: Path, spoil: Callable[[str, bytes], bytes]) -> tuple[Path, list[Any]]:
    """Land the sample of 2024, and then a changed copy of it; return the home and the vintages."""
    home = tmp_path / "home"
    assert ingest(settings_of(home, SAMPLE_DIR / "night-2"), SOURCE.name) == "2024-07-12"
    ingest(settings_of(home, mirror(tmp_path, spoil)), SOURCE.name)
    return home, store.vintages(home / "landing", SOURCE.name)


CMCP = "BX.GSR.CMCP.ZS"


def revised(data: bytes) -> bytes:
    """Change the value of services exports of 2021, which is one number of its file."""
    assert data.count(b"339393210195.59") == 1
    return data.replace(b"339393210195.59", b"340000000000.5")


def test_archived_indicator_keeps_its_last_values_and_the_others_are_loaded(tmp_path: Path) -> None:
    home, (first, second) = landed_twice(
        tmp_path,
        lambda indicator, data: (
            ARCHIVED if indicator == CMCP else revised(data) if indicator == SERVICES else data
        ),
    )
    [failed] = second.failed_parts
    assert (failed.part, failed.carried_from) == (CMCP, first.id)
    assert "It may have been deleted or archived" in failed.reason
    before, after = (pq.read_table(one.rows_path).to_pylist() for one in (first, second))
    assert len(before) == len(after) == 22 * 64
    changed = [
        (a["indicator_id"], a["date"], a["value"], b["value"])
        for a, b in zip(before, after, strict=True)
        if a != b
    ]
    assert changed == [(SERVICES, "2021", "339393210195.59", "340000000000.5")]
    assert sum(row["value"] is not None for row in after if row["indicator_id"] == CMCP) == 41
    [check] = [one for one in store.list_checks(home / "landing", SOURCE.name).require() if one.failed_parts]
    assert (check.outcome, check.failed_parts) == ("accepted", (failed,))


def test_archived_indicator_without_a_last_vintage_is_absent(tmp_path: Path) -> None:
    folder = mirror(tmp_path, lambda indicator, data: ARCHIVED if indicator == "BX.GSR.NFSV.CD" else data)
    home = tmp_path / "home"
    assert ingest(settings_of(home, folder), SOURCE.name) == "2026-11-01"
    [vintage] = store.vintages(home / "landing", SOURCE.name)
    assert [(one.part, one.carried_from) for one in vintage.failed_parts] == [("BX.GSR.NFSV.CD", None)]
    assert vintage.row_count == 21 * 64


def test_vintage_fetched_before_parts_were_recorded_is_carried_too(tmp_path: Path) -> None:
    first = fetch(SOURCE, tmp_path / "first", mirror=str(SAMPLE_DIR / "night-2"))
    held = {
        file.address: (file.model_copy(update={"part": None}), tmp_path / "first" / file.name)
        for file in first
    }
    folder = mirror(tmp_path, lambda indicator, data: ARCHIVED if indicator == CMCP else data)
    fetch(SOURCE, tmp_path / "second", mirror=str(folder), held=held, last_vintage="2024-07-12")
    pulled = read_pull(tmp_path / "second")
    assert [(one.part, one.carried_from) for one in pulled.failed_parts] == [(CMCP, "2024-07-12")]
    [carried] = [file for file in pulled.files if file.carried_from]
    assert (carried.name, carried.part) == (f"{CMCP}.page-1.json", CMCP)
    assert len(pulled.files) == 22


def test_new_aggregate_is_landed_and_known_codes_stay(tmp_path: Path) -> None:
    """Each indicator has one observation of a group that no seed lists, as in July 2025."""

    def with_group(indicator: str, data: bytes) -> bytes:
        answer = json.loads(data, parse_float=str)
        group = deepcopy(answer[1][1]) | {"country": {"id": "ZZ9", "value": "A new group"}, "value": 1}
        group["countryiso3code"] = "ZZ9"
        return (
            data.replace(b'"total": 64', b'"total": 65').rstrip().removesuffix(b"]]")
            + b", "
            + json.dumps(group).encode()
            + b"]]"
        )

    _, (_, second) = landed_twice(tmp_path, with_group)
    assert second.row_count == 22 * 65
    assert second.overruled is None and second.failed_parts == ()


def test_numbers_with_an_exponent_are_the_same_figures(tmp_path: Path) -> None:
    """17820459342451.7 (China's GDP of 2021) may be sent as 1.78204593424517E+13."""

    def with_exponent(indicator: str, data: bytes) -> bytes:
        if indicator != "NY.GDP.MKTP.CD":
            return data
        pattern = rb'"value": ([1-9])([0-9]{12,13})((?:\.[0-9]+)?)([,}])'
        changed, count = re.subn(
            pattern,
            lambda found: (
                b'"value": %s.%s%sE+%d%s'
                % (found[1], found[2], found[3].removeprefix(b"."), len(found[2]), found[4])
            ),
            data,
        )
        assert count > 10
        return changed

    _, (first, second) = landed_twice(tmp_path, with_exponent)
    query = "select indicator_id, date, cast(value as decimal(38, 18)) as value from read_parquet(?)"
    with duckdb.connect() as db:
        before, after = (
            db.execute(f"{query} order by all", [str(one.rows_path)]).fetchall() for one in (first, second)
        )
    assert len(before) == 22 * 64
    assert before == after
    texts = pq.read_table(second.rows_path).column("value").to_pylist()
    assert sum("E+" in text for text in texts if text) > 10


def test_portal_instead_of_the_api_loses_nothing(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match=r"the answer is not json: .*HTML"):
        landed_twice(tmp_path, lambda indicator, data: PORTAL)
    home = tmp_path / "home"
    [vintage] = store.vintages(home / "landing", SOURCE.name)
    assert vintage.id == "2024-07-12"
    last = store.list_checks(home / "landing", SOURCE.name).require()[-1]
    assert last.outcome == "failed" and "HTML" in last.detail


def test_capped_page_size_gives_the_same_rows(tmp_path: Path) -> None:
    """Two pages of 50 and 14 observations, with the page size as a text."""
    files: dict[str, Path] = {}
    whole: dict[str, Path] = {}
    for indicator in INDICATORS:
        path = SAMPLE_DIR / "night-2/api.worldbank.org/v2/country/all/indicator" / f"{indicator}.json"
        whole[f"{indicator}.page-1.json"] = path
        header, observations = json.loads(path.read_bytes(), parse_float=Literal, parse_int=Literal)
        for number, part in enumerate((observations[:50], observations[50:]), start=1):
            counts = {"page": number, "pages": 2, "per_page": "50"}
            text = json.dumps([header | counts, part])
            name = f"{indicator}.page-{number}.json"
            files[name] = saved(tmp_path, re.sub(r'"<([^>]*)>"', r"\1", text).encode(), name)
    requested = answer_plan(SOURCE.plan(), lambda request: files[request.name])
    assert requested == files
    lineage = ("_file", "_row")
    expected, found = (
        [{key: row[key] for key in row if key not in lineage} for row in rows(them, tmp_path)]
        for them in (whole, requested)
    )
    assert len(found) == 22 * 64
    assert found == expected


class Literal(str):
    """A number that is written between angle brackets by `json.dumps`, to be written again as sent."""

    def __new__(cls, digits: str) -> Literal:
        return super().__new__(cls, f"<{digits}>")


# --- the reader ----------------------------------------------------------------------------------------


def read_pages(tmp_path: Path, *answers: Any, indicator: str = SERVICES) -> list[dict[str, Any]]:
    files = {}
    for number, answer in enumerate(answers, start=1):
        name = f"{indicator}.page-{number}.json"
        files[name] = saved(tmp_path, answer, name)
    return rows(files, tmp_path)


def read_error(tmp_path: Path, *answers: Any, **options: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read_pages(tmp_path, *answers, **options)
    assert caught.value.source == "worldbank_wdi"
    assert caught.value.file is not None and caught.value.file.endswith(".json")
    return caught.value


def test_pages_are_read_in_order_with_row_numbers_from_one(tmp_path: Path) -> None:
    answers = [page(number, pages=6, per_page=2, total=11) for number in range(1, 7)]
    files = {
        f"{SERVICES}.page-{number}.json": saved(tmp_path, answer, f"{number}.json")
        for number, answer in sorted(enumerate(answers, start=1), reverse=True)
    }
    got = rows(files, tmp_path)
    assert [row["date"] for row in got] == [str(year) for year in range(2023, 2012, -1)]
    assert [row["_row"] for row in got] == [1, 2] * 5 + [1]
    assert got[-1]["_file"] == f"{SERVICES}.page-6.json"


def test_texts_and_numbers_are_read_unchanged(tmp_path: Path) -> None:
    answer = page()
    answer[1][0] |= {"countryiso3code": "", "country": {"id": "NA", "value": "Namibia"}, "value": "@"}
    answer[0]["per_page"] = "2"  # a text in older answers
    data = json.dumps(answer).replace('"@"', "0.10000000000000000555").encode()
    [namibia, china] = read_pages(tmp_path, data)
    assert (namibia["country_id"], namibia["countryiso3code"]) == ("NA", None)
    assert namibia["value"] == "0.10000000000000000555"
    assert china["value"] == "1.5"


def test_further_keys_are_drift_and_change_no_row(tmp_path: Path) -> None:
    answer = page()
    expected = read_pages(tmp_path, deepcopy(answer))
    answer[0]["sourcelicense"] = "CC BY 4.0"
    for observation in answer[1]:
        observation |= {"scale": "", "footnote": "x"}
        observation["country"]["iso"] = "x"
        observation["indicator"]["topic"] = "Trade"
    notes: list[tuple[str, str]] = []
    name = f"{SERVICES}.page-1.json"
    batches = SOURCE.read({name: saved(tmp_path, answer)}, tmp_path, lambda *note, **_: notes.append(note))
    assert pa.Table.from_batches(list(batches)).to_pylist() == expected
    assert set(notes) == {
        (name, "further key 'sourcelicense' in the header"),
        (name, "further key 'scale' in the observation"),
        (name, "further key 'footnote' in the observation"),
        (name, "further key 'iso' in country"),
        (name, "further key 'topic' in indicator"),
    }


def test_seeds_know_the_codes_that_are_easily_confused() -> None:
    """NA is Namibia and North America is XU; the code of a group that is renamed stays its code."""
    with (DBT_PROJECT_DIR / "seeds" / "economy_code.csv").open(encoding="utf-8") as handle:
        codes = {
            row["code"]: row["economy"] for row in csv.DictReader(handle) if row["scheme"] == "worldbank"
        }
    with (DBT_PROJECT_DIR / "seeds" / "economies.csv").open(encoding="utf-8") as handle:
        types = {row["economy"]: row["economy_type"] for row in csv.DictReader(handle)}
    economies = {"NA": "NAM", "XK": "XKX", "CW": "CUW", "TR": "TUR", "CN": "CHN", "TW": "TWN"}
    # The Channel Islands are the sum of Jersey and Guernsey, which other publishers list.
    groups = {
        "JG": "CHI",
        "XU": "NAC",
        "ZQ": "MEA",
        "1W": "WLD",
        "1A": "ARB",
        "8S": "SAS",
        "XD": "HIC",
        "EU": "EUU",
    }
    assert {code: codes[code] for code in economies | groups} == economies | groups
    assert {types[economy] for economy in economies.values()} == {"economy"}
    assert {types[economy] for economy in groups.values()} == {"group", "world"}


Change = Callable[[dict[str, Any], list[dict[str, Any]]], object]


@pytest.mark.parametrize(
    ("change", "reason", "row"),
    [
        (lambda h, o: o[1].update(value="n/a"), "value is not a number: 'n/a'", 2),
        (lambda h, o: o[1].update(value="1,234"), "value is not a number: '1,234'", 2),
        (lambda h, o: o[1].update(value=True), "value is not a number: True", 2),
        (lambda h, o: o[1].update(value="5"), "value is not a number: '5'", 2),
        (lambda h, o: o[1].update(decimal=None), "decimal is not a number: None", 2),
        (lambda h, o: o[1].update(date=2021), "date is not a text", 2),
        (lambda h, o: o[1].update(date="2021Q1"), "date is not a year: '2021Q1'", 2),
        (lambda h, o: o[1].update(date=""), "date is not a year: None", 2),
        (lambda h, o: o[1].pop("unit"), "has no field 'unit'", 2),
        (lambda h, o: o[1]["country"].update(id=""), "country.id is empty", 2),
        (lambda h, o: o[1].update(country="China"), "country is not an object", 2),
        (
            lambda h, o: o[1]["indicator"].update(id="NY.GDP.MKTP.CD"),
            "'NY.GDP.MKTP.CD', requested was 'BX.GSR",
            2,
        ),
        (lambda h, o: o[1].update(date=o[0]["date"]), "CN, 2023 is repeated", 2),
        (lambda h, o: h.pop("total"), "the header has no field 'total'", None),
        (lambda h, o: h.update(total=None), "the header's total is not a count: None", None),
        (lambda h, o: h.update(total=-2), "the header's total is not a count: '-2'", None),
        (lambda h, o: h.update(page=2, pages=2, total=4), "the answer is page 2, requested was page 1", None),
        (
            lambda h, o: h.update(pages=2),
            "the counts are inconsistent: 2 observations, 2 on each page, 2 pages",
            None,
        ),
        (lambda h, o: h.update(per_page=0), "0 on each page, 1 pages", None),
        (lambda h, o: h.update(total=1), "page 1 of 1 has 2 observations, expected 1", None),
        (lambda h, o: o.pop(), "page 1 of 1 has 1 observations, expected 2", None),
        (lambda h, o: o.clear(), "the answer has no observations", None),
    ],
)
def test_answer_with_unexpected_content_is_rejected(
    change: Change, reason: str, row: int | None, tmp_path: Path
) -> None:
    answer = page()
    assert len(read_pages(tmp_path, deepcopy(answer))) == 2
    change(*answer)
    error = read_error(tmp_path, answer)
    assert reason in str(error)
    assert error.row == row


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ERROR_ARRAY, "the publisher answered with an error"),
        ([], "not a page"),
        ({"message": "x"}, "not a page"),
        ([1, 2], "not a page"),
        (page()[:1], "not a page"),
        ([*page(), []], "not a page"),
        ([page()[0], {"0": {}, "1": {}}], "the observations are not an array"),
        ([page()[0], None], "the answer has no observations"),
        (json.dumps(page()).encode()[:-30], "the JSON is not complete"),
        (b"<html><body>Bad Gateway</body></html>", "an HTML or XML page"),
        (b"", "the file is empty; JSON is expected"),
    ],
)
def test_answer_that_is_not_a_page_is_rejected(answer: Any, reason: str, tmp_path: Path) -> None:
    assert reason in str(read_error(tmp_path, answer))


def test_inconsistent_pages_are_rejected(tmp_path: Path) -> None:
    first, second = page(1, pages=2), page(2, pages=2)
    assert len(read_pages(tmp_path, first, second)) == 4
    later = deepcopy(second)
    later[0]["lastupdated"] = "2024-07-13"
    assert "the table changed during the pull" in str(read_error(tmp_path, first, later))
    assert "differs from that of the first page" in str(read_error(tmp_path, first, page(2, pages=3)))
    repeated = [second[0], first[1]]
    assert "is repeated" in str(read_error(tmp_path, first, repeated))


def test_missing_or_extra_page_is_rejected(tmp_path: Path) -> None:
    assert "has 3 pages, and the pull has the pages [1, 2]" in str(
        read_error(tmp_path, page(1, pages=3), page(2, pages=3))
    )
    assert "page 2 is after the last page, 1" in str(
        read_error(tmp_path, page(1), [page(1)[0] | {"page": 2}, page(1)[1]])
    )


@pytest.mark.parametrize("name", ["NY.GDP.MKTP.CD.json", "XX.YY.page-1.json", f"{SERVICES}.page-0.json"])
def test_unexpected_file_is_rejected(name: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no request of this source has this file name"):
        rows({name: saved(tmp_path, page())}, tmp_path)


def test_pull_without_files_is_rejected_as_empty(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="the pull has no files"):
        list(worldbank_wdi.read({}, tmp_path))
