"""JSON, with every number as the text that was sent.

A number is a `Number`, a subclass of `str`, so that `"12"` and `12` differ and no digit passes through a
float. Objects, arrays, strings, true, false and null are the usual Python values.

The parser rejects bytes that are not one whole JSON value in UTF-8 (a byte order mark is dropped, as RFC 8259
allows; a publisher that sends another encoding at times has it as `fallback`), NaN and Infinity, a repeated
key in an object, half of a surrogate pair, and nesting deeper than Python's recursion limit.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

from warehouse.errors import SourceError
from warehouse.model import Contract

_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


class Number(str):
    """The text of a JSON number, exactly as sent."""

    __slots__ = ()


JsonValue = None | bool | str | Number | list["JsonValue"] | dict[str, "JsonValue"]


def read_json(
    path: Path, *, source: str, file: str, address: str | None = None, fallback: str | None = None
) -> JsonValue:
    """Parse the JSON file at `path`; numbers are `Number`.

    `source`, `file` and `address` name the publisher's table, the file and its address in error messages.
    `fallback` is the encoding of a file that is not UTF-8.
    Raises SourceError with the reason and, for a syntax error, line and column.
    """
    fail = partial(SourceError, source, file=file, address=address)
    try:
        return parse_json(path.read_bytes(), fallback)
    except RecursionError as error:
        raise fail("the JSON is nested too deeply to be a table") from error
    except UnicodeDecodeError as error:
        encodings = f"neither UTF-8 nor {fallback}" if fallback else "not UTF-8"
        raise fail(f"the file is {encodings} text: byte {error.start} is invalid") from error
    except json.JSONDecodeError as error:
        faults = {"": "empty; JSON is expected", "<": "an HTML or XML page; JSON is expected"}
        fault = faults.get(error.doc.lstrip()[:1])
        raise fail(
            f"{f'the file is {fault}' if fault else 'the JSON is not complete'}: {error.msg} at line "
            f"{error.lineno}, column {error.colno}, character {error.pos} of {len(error.doc)}",
            remedy="Fetch the file again; if the error stays, open the address in a browser",
        ) from error
    except ValueError as error:
        raise fail(str(error)) from error


def read_fields(
    value: JsonValue,
    contract: Contract,
    name: str,
    fail: Callable[[str], SourceError],
    note: Callable[[str], None],
) -> dict[str, JsonValue]:
    """Return the fields of a JSON object that a contract reads; an optional one that is absent is null.

    `name` names the object in messages, `fail` makes an error of a reason, `note` records a further key as
    drift. Raises the error for a value that is no object and for a missing key.
    """
    if not isinstance(value, dict):
        raise fail(f"{name} is not an object: {repr(value)[:300]}")
    fields: dict[str, JsonValue] = {}
    for key, field in value.items():
        read = key if key in contract.read else contract.spellings.get(key)
        if read is None:
            if key not in contract.ignored:
                note(f"further key {key!r} in {name}")
        else:
            fields[read] = field
    missing = [key for key in contract.read if key not in fields and key not in contract.optional]
    if missing:
        raise fail(f"{name} has no field {', '.join(map(repr, missing))}")
    return dict.fromkeys(contract.optional) | fields


def parse_json(data: bytes, fallback: str | None = None) -> JsonValue:
    """Parse JSON bytes in UTF-8, or else in `fallback`.

    Raises ValueError or RecursionError as the module says.
    """
    text = _decode(data.removeprefix(codecs.BOM_UTF8), fallback)
    value: JsonValue = json.loads(
        text,
        parse_float=Number,
        parse_int=Number,
        parse_constant=_reject_constant,
        object_pairs_hook=_object,
    )
    if _SURROGATE_ESCAPE.search(data):
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError as error:
            near = error.object[max(0, error.start - 40) : error.end]
            raise ValueError(f"the text ending in {near!a} has half of a surrogate pair") from None
    return value


def _decode(data: bytes, fallback: str | None) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        if fallback is None:
            raise
        return data.decode(fallback)


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    value = dict(pairs)
    if len(value) != len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {repeated!r} is repeated in a JSON object")
    return value


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
