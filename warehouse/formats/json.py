"""JSON, with every number as the text that was sent.

A number is a `Number`, a subclass of `str`, so that `"12"` and `12` differ and no digit passes through a
float. Objects, arrays, strings, true, false and null are the usual Python values.

The parser rejects bytes that are not one whole JSON value in UTF-8 (a byte order mark is dropped, as RFC 8259
allows), NaN and Infinity, a repeated key in an object, half of a surrogate pair, and nesting deeper than
Python's recursion limit.
"""

from __future__ import annotations

import codecs
import json
import re
from pathlib import Path
from typing import NoReturn

from warehouse.errors import SourceError

_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


class Number(str):
    """The text of a JSON number, exactly as sent."""

    __slots__ = ()


JsonValue = None | bool | str | Number | list["JsonValue"] | dict[str, "JsonValue"]


class _RejectedJsonError(ValueError):
    """Valid JSON that this module rejects."""


def read_json(path: Path, *, source: str, file: str, address: str | None = None) -> JsonValue:
    """Parse the JSON file at `path`; numbers are `Number`.

    `source`, `file` and `address` name the publisher's table, the file and its address in error messages.
    Raises SourceError with the reason and, for a syntax error, line and column.
    """
    data = path.read_bytes()
    try:
        return parse_json(data)
    except RecursionError as error:
        raise SourceError(
            source, "the JSON is nested too deeply to be a table", file=file, address=address
        ) from error
    except UnicodeDecodeError as error:
        raise SourceError(
            source, f"the file is not UTF-8 text: byte {error.start} is invalid", file=file, address=address
        ) from error
    except json.JSONDecodeError as error:
        raise SourceError(
            source,
            f"{_describe(error.doc)}: {error.msg} at line {error.lineno}, column {error.colno}, "
            f"character {error.pos} of {len(error.doc)}",
            file=file,
            address=address,
            remedy="Fetch the file again; if the error stays, open the address in a browser",
        ) from error
    except _RejectedJsonError as error:
        raise SourceError(source, str(error), file=file, address=address) from error


def parse_json(data: bytes) -> JsonValue:
    """Parse JSON bytes. Raises ValueError or RecursionError as the module says."""
    text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    value: JsonValue = json.loads(
        text,
        parse_float=Number,
        parse_int=Number,
        parse_constant=_reject_constant,
        object_pairs_hook=_object,
    )
    if _SURROGATE_ESCAPE.search(data):
        _check_surrogates(value)
    return value


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    value = dict(pairs)
    if len(value) != len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise _RejectedJsonError(f"the key {repeated!r} is repeated in a JSON object")
    return value


def _reject_constant(name: str) -> NoReturn:
    raise _RejectedJsonError(f"{name} is not a JSON number")


def _check_surrogates(value: JsonValue) -> None:
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            pending.extend(part.keys())
            pending.extend(part.values())
        elif isinstance(part, list):
            pending.extend(part)
        elif isinstance(part, str) and any("\ud800" <= letter <= "\udfff" for letter in part):
            raise _RejectedJsonError(f"the text {part!a} has half of a surrogate pair")


def _describe(text: str) -> str:
    start = text.lstrip()[:1]
    if start == "":
        return "the file is empty; JSON is expected"
    return "the file is an HTML or XML page; JSON is expected" if start == "<" else "the JSON is not complete"
