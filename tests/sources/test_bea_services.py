"""The BEA's services with China: values stay as sent, and errors, other units and other rows are rejected.

The fixture is made up, in the form that the BEA's clients describe.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from warehouse.errors import SourceError
from warehouse.masking import without_secrets
from warehouse.model import first_request
from warehouse.sources import bea_services

SOURCE, FILE = bea_services.SOURCE, bea_services.FILE
ANSWER = Path(__file__).parents[1] / "fixtures" / SOURCE.name / FILE
Change = Callable[[dict[str, Any]], object]


def read(path: Path, body: object) -> tuple[list[dict[str, Any]], list[str]]:
    (path / FILE).write_text(json.dumps(body), encoding="utf-8")
    notes: list[str] = []

    def note(file: str, detail: str, *, failed_part: str = "") -> None:
        notes.append(detail)

    return [row for batch in SOURCE.read({FILE: path / FILE}, path, note) for row in batch.to_pylist()], notes


def answer() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ANSWER.read_text(encoding="utf-8"))
    return found


def first(body: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = body["BEAAPI"]["Results"]["Data"][0]
    return row


def test_request_names_china_and_masks_the_key() -> None:
    request = first_request(SOURCE.plan())
    asked = parse_qs(urlsplit(request.address).query)
    assert request.address.startswith("https://apps.bea.gov/api/data?UserID=***&")
    assert without_secrets(request.address) == request.address
    assert (asked["datasetname"], asked["AreaOrCountry"], asked["TypeOfService"]) == (
        ["IntlServTrade"],
        ["China"],
        ["All"],
    )
    assert SOURCE.key_variable == "WAREHOUSE_BEA_KEY"


def test_exports_and_imports_are_read_as_sent(tmp_path: Path) -> None:
    rows, notes = read(tmp_path, answer())
    assert {row["trade_direction"] for row in rows} == {"Exports", "Imports"} and len(rows) == 62
    cells = {(row["type_of_service"], row["trade_direction"], row["time_period"]): row for row in rows}
    assert cells["AllTypesOfService", "Exports", "2023"]["data_value"] == "46,420"
    changed = answer()
    first(changed)["DataValue"] = "4.8E+04"
    assert read(tmp_path, changed)[0][0]["data_value"] == "4.8E+04"
    assert cells["Comp", "Imports", "2022"]["data_value"] == "(D)"
    assert cells["AllTypesOfService", "Exports", "2022"]["_row"] == 1
    assert notes == []  # balances and supplements are left out by name: this is no drift


def test_results_may_be_an_array_of_one(tmp_path: Path) -> None:
    body = answer()
    expected, _ = read(tmp_path, body)
    body["BEAAPI"]["Results"] = [body["BEAAPI"]["Results"]]
    assert read(tmp_path, body)[0] == expected


def test_further_field_is_drift(tmp_path: Path) -> None:
    body = answer()
    first(body)["Seasonal"] = "NSA"
    assert "further key 'Seasonal' in the object" in read(tmp_path, body)[1]


@pytest.mark.parametrize("place", ["BEAAPI", "Results"])
def test_error_of_the_interface_is_the_reason(tmp_path: Path, place: str) -> None:
    """A key that was never activated is answered with status 200."""
    error = {"Error": {"APIErrorCode": "4", "APIErrorDescription": "This UserId is not active."}}
    body = {"BEAAPI": error if place == "BEAAPI" else {"Results": error}}
    with pytest.raises(SourceError, match=r"This UserId is not active.*correct WAREHOUSE_BEA_KEY"):
        read(tmp_path, body)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda body: first(body).update(UNIT_MULT="3"), r"UNIT_MULT is '3', expected 6 .*row 1"),
        (lambda body: first(body).update(CL_UNIT="Percent"), "CL_UNIT is 'Percent', expected USD"),
        (lambda body: first(body).update(AreaOrCountry="AllCountries"), "AreaOrCountry is 'AllCountries'"),
        (lambda body: first(body).update(Affiliation="Affiliated"), "Affiliation is 'Affiliated'"),
        (
            lambda body: first(body).update(TradeDirection="Net"),
            "TradeDirection is 'Net', expected Exports or",
        ),
        (lambda body: first(body).update(TimePeriod="2022Q1"), "TimePeriod is not a year: '2022Q1'"),
        (
            lambda body: first(body).update(DataValue="48,31"),
            "DataValue is neither a number nor a mark: '48,31'",
        ),
        (lambda body: first(body).update(DataValue=""), "DataValue is not a text: ''"),
        (lambda body: first(body).pop("DataValue"), "the object has no field 'DataValue'"),
        (lambda body: body["BEAAPI"]["Results"].update(Data=[]), r"no array BEAAPI\.Results\.Data"),
        (lambda body: body.clear(), r"no array BEAAPI\.Results\.Data"),
    ],
)
def test_another_answer_is_rejected(tmp_path: Path, change: Change, reason: str) -> None:
    body = answer()
    change(body)
    with pytest.raises(SourceError, match=reason):
        read(tmp_path, body)
