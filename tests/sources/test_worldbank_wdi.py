"""World Bank indicators: two recorded vintages, the plan, and rejected answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from warehouse.errors import SourceError
from warehouse.model import raw_schema
from warehouse.sources import worldbank_wdi
from warehouse.sources.worldbank_wdi import COLUMNS, INDICATORS, SOURCE

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


def test_plan_requests_each_indicator_once_at_the_published_address(tmp_path: Path) -> None:
    answer = saved(tmp_path, page())
    plan = SOURCE.plan()
    asked = [next(plan)]
    while True:
        try:
            asked.append(plan.send(answer))
        except StopIteration:
            break
    assert len(asked) == len(INDICATORS) == len({request.name for request in asked}) == 22
    assert asked[0].address == (
        "https://api.worldbank.org/v2/country/all/indicator/BG.GSR.NFSV.GD.ZS?format=json&per_page=20000&page=1"
    )
    assert [request.name for request in asked] == [f"{indicator}.page-1.json" for indicator in INDICATORS]
    assert {request.kind for request in asked} == {"json"}


def test_plan_requests_every_page(tmp_path: Path) -> None:
    plan = SOURCE.plan()
    request = next(plan)
    names = []
    for number in (1, 2, 3):
        names.append(request.name)
        assert ("page", str(number)) in request.params
        request = plan.send(saved(tmp_path, page(number, pages=3)))
    assert names == [f"{INDICATORS[0]}.page-{number}.json" for number in (1, 2, 3)]
    assert request.name == f"{INDICATORS[1]}.page-1.json"


ERROR_ARRAY = [{"message": [{"id": "120", "key": "Invalid value", "value": "The indicator was not found."}]}]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ERROR_ARRAY, "the publisher answered with an error: .*'120'.*The indicator was not found"),
        ([page(total=0)[0] | {"pages": 0, "page": 0}, None], "the answer has no observations"),
        (page(2, pages=3), "the answer is page 2, requested was page 1"),
        (b"<html>400 Bad Request</html>", "an HTML or XML page; JSON is expected"),
        (page(pages=1000), "1000 pages"),
    ],
)
def test_plan_stops_at_invalid_answer(answer: Any, reason: str, tmp_path: Path) -> None:
    plan = SOURCE.plan()
    request = next(plan)
    with pytest.raises(SourceError, match=reason) as caught:
        plan.send(saved(tmp_path, answer))
    assert caught.value.address == request.address
    assert caught.value.file == request.name


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
        (lambda h, o: o[1].update(scale="6"), "an unknown field: 'scale'", 2),
        (lambda h, o: o[1].pop("unit"), "has no field 'unit'", 2),
        (lambda h, o: o[1]["country"].update(iso="x"), "country has an unknown field: 'iso'", 2),
        (lambda h, o: o[1]["country"].update(id=""), "country.id is empty", 2),
        (lambda h, o: o[1].update(country="China"), "country is not an object", 2),
        (
            lambda h, o: o[1]["indicator"].update(id="NY.GDP.MKTP.CD"),
            "'NY.GDP.MKTP.CD', requested was 'BX.GSR",
            2,
        ),
        (lambda h, o: o[1].update(date=o[0]["date"]), "CN, 2023 is repeated", 2),
        (lambda h, o: h.update(note="x"), "the header has an unknown field: 'note'", None),
        (lambda h, o: h.pop("total"), "the header's total is not a count: None", None),
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
