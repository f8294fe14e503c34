"""JSON with its numbers as text, and the files that are rejected."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.errors import SourceError
from warehouse.formats.json import Number, parse_json, read_json


def json_error(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "t.json"
    path.write_bytes(data)
    with pytest.raises(SourceError) as caught:
        read_json(path, source="worldbank_wdi", file="t.json", address="https://example.org/x")
    assert caught.value.source == "worldbank_wdi"
    assert caught.value.file == "t.json"
    assert caught.value.address == "https://example.org/x"
    return str(caught.value)


def test_numbers_are_read_as_their_text() -> None:
    value = parse_json(b'[338440775474.07, -0, 1.10, 1E+400, 0.1000000000000000055511151231257827, "12", ""]')
    assert value == [
        "338440775474.07",
        "-0",
        "1.10",
        "1E+400",
        "0.1000000000000000055511151231257827",
        "12",
        "",
    ]
    assert isinstance(value, list)
    assert [isinstance(part, Number) for part in value] == [True] * 5 + [False] * 2


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_number_round_trips_digit_by_digit(number: Decimal) -> None:
    text = str(number)
    assert parse_json(f'{{"value": {text}}}'.encode()) == {"value": text}


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(st.characters(codec="utf-8")),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
        max_leaves=15,
    )
)
def test_values_other_than_numbers_equal_the_standard_parser(value: Any) -> None:
    assert parse_json(json.dumps(value).encode()) == value
    assert parse_json(b"\xef\xbb\xbf" + json.dumps(value, ensure_ascii=False).encode()) == value


def test_truncated_json_is_rejected_with_position(tmp_path: Path) -> None:
    whole = b'[{"page": 1},\n [{"value": 12.5}]]'
    message = json_error(tmp_path, whole[:-4])
    assert "the JSON is not complete" in message and "line 2" in message and f"of {len(whole) - 4}" in message
    for length in range(1, len(whole)):
        assert "JSON" in json_error(tmp_path, whole[:length])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty; JSON is expected"),
        (b"\n <html>502 Bad Gateway</html>", "an HTML or XML page; JSON is expected"),
        (b'{"a": 1, "b": 2, "a": 3}', "the key 'a' is repeated"),
        (b"[NaN]", "NaN is not a JSON number"),
        (b"[-Infinity]", "-Infinity is not a JSON number"),
        (b"[1] [2]", "the JSON is not complete"),
        (b"[01]", "the JSON is not complete"),
        (b'["\xff"]', "not UTF-8 text: byte 2"),
        (b'["\\ud800"]', "half of a surrogate pair"),
        (b'{"\\udc00": 1}', "half of a surrogate pair"),
        (b"[" * 200_000 + b"]" * 200_000, "nested too deeply"),
        (b'{"a":' * 200_000, "nested too deeply"),
    ],
)
def test_json_that_is_not_a_table_is_rejected(data: bytes, reason: str, tmp_path: Path) -> None:
    assert reason in json_error(tmp_path, data)


def test_surrogate_pair_is_one_character() -> None:
    assert parse_json(b'["\\ud83d\\ude00"]') == ["\U0001f600"]


def test_fallback_is_for_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    """0x94 is a quotation mark in Windows-1252, and 0x81 is nothing."""
    path = tmp_path / "t.json"
    for data, text in (
        ('["Türkiye"]'.encode("cp1252"), "Türkiye"),
        ('["Türkiye"]'.encode(), "Türkiye"),
        (b'["\x94"]', "”"),
    ):
        path.write_bytes(data)
        assert read_json(path, source="x", file="t.json", fallback="cp1252") == [text]
    path.write_bytes(b'["\x81"]')
    with pytest.raises(SourceError, match="the file is neither UTF-8 nor cp1252 text: byte 2 is invalid"):
        read_json(path, source="x", file="t.json", fallback="cp1252")
