"""The WTO's Timeseries API: pages continue each other, values stay as sent, other records are rejected.

The fixture is made up, in the form that the WTO's documentation and its clients describe.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import spoiled
from conftest import ingest as land_source
from conftest import release_of, settings_of
from pytest_httpserver import HTTPServer
from recordings import answer_plan
from serving import QUICK
from werkzeug import Request as Asked
from werkzeug import Response

from warehouse.config import Settings
from warehouse.errors import NotConfigured, SourceError
from warehouse.fetch import fetch
from warehouse.landing import ingest, store
from warehouse.masking import without_secrets
from warehouse.model import Request, first_request, raw_schema
from warehouse.releases.store import DATABASE
from warehouse.sources import wto_timeseries

pytest_plugins = ("proxies",)

SOURCE = wto_timeseries.SOURCE
FIXTURES = Path(__file__).parents[1] / "fixtures" / SOURCE.name
EXPORTS, LAST_EXPORTS, IMPORTS, LAST_IMPORTS = (
    f"{indicator}.page-{page}.json" for indicator in ("ITS_CS_QAX", "ITS_CS_QAM") for page in (1, 2)
)
KEY = "0a1b2c3d-Key"
Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def pages(tmp_path: Path) -> dict[str, Path]:
    """Return copies of the four pages, which a test may change."""
    names = (EXPORTS, LAST_EXPORTS, IMPORTS, LAST_IMPORTS)
    return {name: Path(shutil.copyfile(FIXTURES / name, tmp_path / name)) for name in names}


def edit(path: Path, change: Change) -> None:
    body = json.loads(path.read_text(encoding="utf-8"))
    change(body)
    path.write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")


def in_first(**fields: Any) -> Change:
    """Return a change of the first record of an answer."""
    return lambda body: body["Dataset"][0].update(fields)


def read(files: dict[str, Path]) -> tuple[list[dict[str, Any]], list[str]]:
    notes: list[str] = []

    def note(file: str, detail: str, *, failed_part: str = "") -> None:
        notes.append(detail)

    batches = SOURCE.read(files, next(iter(files.values())).parent, note)
    return [row for batch in batches for row in batch.to_pylist()], notes


# --- the requests -------------------------------------------------------------------------------------


def test_request_asks_for_the_world_all_economies_and_years_and_masks_the_key() -> None:
    request = first_request(SOURCE.plan())
    asked = {name: values[0] for name, values in parse_qs(urlsplit(request.address).query).items()}
    assert request.address.startswith("https://api.wto.org/timeseries/v1/data?i=ITS_CS_QAX&")
    assert (asked["r"], asked["p"], asked["ps"], asked["pc"]) == ("all", "000", "all", "all")
    assert (asked["fmt"], asked["mode"], asked["head"], asked["off"]) == ("json", "full", "M", "0")
    assert int(asked["max"]) <= 1_000_000, "the documented limit"
    assert asked["subscription-key"] == "***" and without_secrets(request.address) == request.address
    assert SOURCE.key_variable == "WAREHOUSE_WTO_KEY"


def test_next_page_begins_at_the_last_record() -> None:
    offsets: list[tuple[str, str]] = []

    def answer(request: Request) -> Path:
        offsets.append((request.name, dict(request.params)["off"]))
        return FIXTURES / request.name

    answer_plan(SOURCE.plan(), answer)
    # The fixture has 32 records for each indicator.
    assert offsets == [(EXPORTS, "0"), (LAST_EXPORTS, "31"), (IMPORTS, "0"), (LAST_IMPORTS, "31")]


def serve(httpserver: HTTPServer, limit: int) -> None:
    """Answer as the WTO does, with at most `limit` records."""
    records = {
        name.partition(".")[0]: json.loads((FIXTURES / name).read_text(encoding="utf-8"))["Dataset"]
        for name in (EXPORTS, IMPORTS)
    }

    def respond(request: Asked) -> Response:
        offset = int(request.args["off"])
        page = records[request.args["i"]][offset : offset + min(limit, int(request.args["max"]))]
        body = {"Dataset": page, "Asked": {"subscription-key": request.args["subscription-key"]}}
        return Response(json.dumps(body), content_type="application/json") if page else Response(status=204)

    httpserver.expect_request("/timeseries/v1/data").respond_with_handler(respond)


@pytest.mark.usefixtures("no_proxy")
@pytest.mark.parametrize(
    ("limit", "count"),
    [
        (1000, 2 * 2),
        (32, 2 * 2),  # as many as there are
        (10, 2 * 5),  # records 1 to 10, 10 to 19, 19 to 28, 28 to 32, 32
    ],
)
def test_pages_have_all_records_whatever_the_limit_of_the_interface(
    httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, count: int
) -> None:
    monkeypatch.setattr(wto_timeseries, "ADDRESS", httpserver.url_for("/timeseries/v1/data"))
    serve(httpserver, limit)
    fetched = fetch(replace(SOURCE, seconds_between_calls=0), tmp_path, limits=QUICK, key=KEY)
    assert len(fetched) == count
    rows, _ = read({one.name: tmp_path / one.name for one in fetched})
    expected, _ = read({name: FIXTURES / name for name in (EXPORTS, LAST_EXPORTS, IMPORTS, LAST_IMPORTS)})
    keys = [tuple(row[name] for name in (*SOURCE.key, "value")) for row in rows]
    assert keys == [tuple(row[name] for name in (*SOURCE.key, "value")) for row in expected]
    assert {log[0].args["subscription-key"] for log in httpserver.log} == {KEY}
    texts = [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()]
    assert any('"subscription-key": "***"' in text for text in texts), "the answers repeat the key"
    assert not [text for text in texts if KEY.lower() in text.lower()]
    assert all("subscription-key=***" in one.address for one in fetched)


@pytest.mark.usefixtures("no_proxy")
@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (
            401,
            '{"statusCode": 401, "message": "invalid subscription key 0a1b2c3d-Key"}',
            "HTTP 401.*key \\*{3}",
        ),
        (400, '{"errors": {"max": ["The field max must be at most 1000000."]}}', "HTTP 400.*at most 1000000"),
        (
            429,
            '{"statusCode": 429, "message": "Rate limit is exceeded."}',
            "HTTP 429.*Rate limit is exceeded",
        ),
        (204, "", "HTTP 204"),
    ],
)
def test_status_of_a_refused_request_is_the_reason(
    httpserver: HTTPServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    body: str,
    reason: str,
) -> None:
    monkeypatch.setattr(wto_timeseries, "ADDRESS", httpserver.url_for("/timeseries/v1/data"))
    httpserver.expect_request("/timeseries/v1/data").respond_with_data(
        body, status=status, content_type="application/json"
    )
    with pytest.raises(SourceError, match=reason) as raised:
        fetch(SOURCE, tmp_path, limits=QUICK, key=KEY)
    assert KEY not in str(raised.value)


def test_source_without_its_key_is_not_configured(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, mirror=None, keys={})
    with pytest.raises(NotConfigured, match=r"none is set.*WAREHOUSE_WTO_KEY"):
        ingest.fetch_source(settings, SOURCE)
    [check] = store.list_checks(settings.landing, SOURCE.name).records
    assert check.outcome == "not configured"


# --- the records --------------------------------------------------------------------------------------


def test_records_are_read_as_sent(pages: dict[str, Path]) -> None:
    rows, notes = read(pages)
    assert len(rows) == 64 and notes == []
    cells = {
        (row["indicator_code"], row["reporter_code"], row["product_code"], row["year"]): row for row in rows
    }
    # Typed from the fixture.
    assert cells["ITS_CS_QAX", "156", "S", "2025"]["value"] == "421000.75"
    assert cells["ITS_CS_QAX", "156", "SD", "2025"]["value"] == "52000.0"
    assert cells["ITS_CS_QAM", "156", "S", "2025"]["value"] == "640000.5"
    turkey = cells["ITS_CS_QAX", "792", "S", "2025"]
    assert (turkey["value"], turkey["value_flag_code"], turkey["value_flag"]) == ("121000.5", "E", "Estimate")
    assert turkey["reporter"] == "Türkiye" and turkey["product"] == "Memo item: Total services"
    assert (rows[0]["_file"], rows[0]["_row"]) == (EXPORTS, 1)
    assert (rows[-1]["_file"], rows[-1]["_row"], rows[-1]["value"]) == (IMPORTS, 32, "8100.0")


def test_answer_in_windows_1252_has_the_same_names(pages: dict[str, Path]) -> None:
    expected, _ = read(pages)
    for path in pages.values():
        path.write_bytes(path.read_text(encoding="utf-8").encode("cp1252"))
    assert read(pages)[0] == expected


@pytest.mark.parametrize(("sent", "text"), [("1.5E-05", "1.5E-05"), ("-3", "-3"), ("4.21E+5", "4.21E+5")])
def test_number_keeps_its_digits(pages: dict[str, Path], sent: str, text: str) -> None:
    old = pages[EXPORTS].read_text(encoding="utf-8")
    assert old.count('"Value": 421000.75') == 1
    pages[EXPORTS].write_text(old.replace('"Value": 421000.75', f'"Value": {sent}'), encoding="utf-8")
    assert [row["value"] for row in read(pages)[0]][3] == text


def test_value_may_be_missing_with_a_text_in_its_place(pages: dict[str, Path]) -> None:
    edit(pages[EXPORTS], in_first(Value=None, TextValue="not available", ValueFlagCode=" "))
    row = read(pages)[0][0]
    assert (row["value"], row["text_value"], row["value_flag_code"]) == (None, "not available", None)


def test_label_may_be_absent_and_further_key_is_drift(pages: dict[str, Path]) -> None:
    edit(pages[EXPORTS], lambda body: body["Dataset"][0].pop("ReportingEconomy"))
    edit(pages[EXPORTS], in_first(Seasonal="NSA"))
    rows, notes = read(pages)
    assert rows[0]["reporter"] is None and notes == ["further key 'Seasonal' in the record"]


def test_pages_that_do_not_continue_each_other_are_rejected(pages: dict[str, Path]) -> None:
    edit(pages[LAST_EXPORTS], in_first(Value=1))
    with pytest.raises(SourceError, match=r"another record than the last of page 1 .*pull the source again"):
        read(pages)


def test_page_after_the_last_is_rejected(pages: dict[str, Path]) -> None:
    edit(pages[LAST_EXPORTS], lambda body: body["Dataset"].append(body["Dataset"][0]))
    with pytest.raises(SourceError, match="page 2 of 2 has 2 records"):
        read(pages)


def test_pages_of_both_indicators_are_expected(pages: dict[str, Path]) -> None:
    del pages[LAST_IMPORTS]
    with pytest.raises(SourceError, match=r"ITS_CS_QAM: expected pages from 1 to a last one, got \[1\]"):
        read(pages)
    pages["ITS_CS_AX6.page-1.json"] = pages[EXPORTS]
    with pytest.raises(SourceError, match="no request of this source has this file name"):
        read(pages)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (in_first(UnitCode="PCT"), r"UnitCode is 'PCT', expected 'USM' .*row 1"),
        (in_first(UnitCode=None), "UnitCode is None, expected 'USM'"),
        (in_first(IndicatorCode="ITS_CS_QAM"), "IndicatorCode is 'ITS_CS_QAM', expected 'ITS_CS_QAX'"),
        (in_first(PartnerEconomyCode="918"), "PartnerEconomyCode is '918', expected '000'"),
        (in_first(ProductOrSectorClassificationCode="BOP5"), "is 'BOP5', expected 'BOP6'"),
        (in_first(PeriodCode="Q1"), "PeriodCode is 'Q1', expected 'A'"),
        (in_first(FrequencyCode="Q"), "FrequencyCode is 'Q', expected 'A'"),
        (in_first(ReportingEconomyCode=" "), "ReportingEconomyCode is empty"),
        (in_first(ReportingEconomyCode=156), "ReportingEconomyCode is no text: '156'"),
        (in_first(ProductOrSectorCode=None), "ProductOrSectorCode is empty"),
        (in_first(Year="2023"), "Year is no number: '2023'"),
        (in_first(Year=23), "Year is not a year of four digits: '23'"),
        (in_first(Value="331,000"), "Value is no number: '331,000'"),
        (in_first(Value=True), "Value is no number: True"),
        (lambda body: body["Dataset"][0].pop("Value"), "the record has no field 'Value'"),
        (lambda body: body["Dataset"].insert(0, []), r"the record is not an object: \[\]"),
        (lambda body: body["Dataset"].clear(), "the array Dataset is empty"),
        (lambda body: body.clear(), "the answer has no array Dataset"),
        (
            lambda body: (body.clear(), body.update(statusCode=401, message="Access denied")),
            "the WTO answers with an error: 'Access denied'.*correct WAREHOUSE_WTO_KEY",
        ),
    ],
)
def test_another_answer_is_rejected(pages: dict[str, Path], change: Change, reason: str) -> None:
    edit(pages[EXPORTS], change)
    with pytest.raises(SourceError, match=reason):
        read(pages)


def test_more_pages_than_the_limit_are_rejected(pages: dict[str, Path]) -> None:
    with pytest.raises(SourceError, match="ITS_CS_QAX has more than 100 pages"):
        answer_plan(SOURCE.plan(), lambda request: pages[EXPORTS])


# --- the gate, and the release ------------------------------------------------------------------------


def land(home: Path, mirror: Path) -> str | None:
    """Pull from a mirror that has the fixture, and land it."""
    mirror.mkdir()
    entries: list[dict[str, str]] = []

    def answer(request: Request) -> Path:
        shutil.copyfile(FIXTURES / request.name, mirror / request.name)
        entries.append(
            {"address": request.address, "file": request.name, "retrieved_at": "2026-06-01T04:00:00Z"}
        )
        return FIXTURES / request.name

    answer_plan(SOURCE.plan(), answer)
    (mirror / "index.json").write_text(json.dumps({"name": "made up", "answers": entries}))
    return land_source(settings_of(home, mirror), SOURCE.name)


def test_a_mirror_answers_without_a_key_and_the_fixture_is_accepted(tmp_path: Path) -> None:
    assert land(tmp_path / "home", tmp_path / "mirror") == "2026-06-01"
    [vintage] = store.vintages(tmp_path / "home" / "landing", SOURCE.name)
    assert (vintage.row_count, len(vintage.files), vintage.drift) == (64, 4, ())


def test_few_unknown_codes_are_no_reason_to_reject(pages: dict[str, Path], tmp_path: Path) -> None:
    """An economy and a product that no seed has: their rows are held, and the others published."""
    good = tmp_path / "good.parquet"
    batches = list(SOURCE.read(pages, tmp_path))
    pq.write_table(pa.Table.from_batches(batches, schema=raw_schema(SOURCE.columns)), good)
    economy = "update rows set reporter_code = '999' where reporter_code = '792' and product_code = 'SD'"
    product = "update rows set product_code = 'SQ' where reporter_code = '156' and product_code = 'SC'"
    changes = [f"{change} and year = '2025'" for change in (economy, product)]
    assert spoiled.failures(SOURCE, good, tmp_path, *changes) == {}


@pytest.mark.slow
def test_newest_year_is_in_the_marts(bank_home: Path, tmp_path: Path) -> None:
    """A release of it and of the World Bank's indicators. The figures are typed from the fixture."""
    assert land(bank_home, tmp_path / "mirror") == "2026-06-01"
    release = release_of(bank_home)
    with duckdb.connect(str(release / DATABASE), read_only=True) as db:

        def rows(query: str) -> list[tuple[Any, ...]]:
            return db.execute(query).fetchall()

        assert rows(
            "select count(*), count(*) filter (where service = 'S') from core.fct_services_trade "
            "where source = 'wto_timeseries' and partner = 'WLD' and value_type = 'estimated'"
        ) == [(64, 16)]
        assert rows(
            "select cast(value_million as double), status from core.fct_services_trade where source = "
            "'wto_timeseries' and reporter = 'TUR' and flow = 'exports' and service = 'S' "
            "and period_label = '2025'"
        ) == [(121000.5, "E: Estimate")]
        assert rows(
            "select exports_million, imports_million from marts.mart_trade_scale where source = "
            "'wto_timeseries' and reporter = 'CHN' and period_label = '2025'"
        ) == [(421000.75, 640000.5)]
        assert rows("select count(*) from core.held_row where source = 'wto_timeseries'") == [(0,)]
        # The World Bank's BX.GSR.NFSV.CD of 2022 is 368952755652.88.
        assert rows(
            "select source_a, source_b, round(value_a_million, 2), value_b_million, value_type_b "
            "from marts.mart_reconciliation where 'wto_timeseries' in (source_a, source_b) "
            "and reporter = 'CHN' and service = 'S' and flow = 'exports' and period_label = '2022'"
        ) == [("worldbank_wdi", "wto_timeseries", 368952.76, 366000.5, "estimated")]
