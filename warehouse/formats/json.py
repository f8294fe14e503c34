"""JSON in which every number keeps the text it was written in.

Keeps: objects, arrays, strings, true, false, null, and numbers as `Number`, a text of its own kind, so
that `"12"` and `12` can still be told apart and no digit passes through a float.

Refuses: bytes that are not whole JSON in UTF-8 (a byte order mark before them is dropped, as RFC 8259
allows), NaN and Infinity, a key given twice in one object, half of a surrogate pair, and nesting deeper
than the interpreter's own bound.
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


class _BrokenJsonError(ValueError):
    """What the grammar allows and this module refuses."""


def read_json(path: Path, *, source: str, file: str, address: str | None = None) -> JsonValue:
    """Parse the JSON file at `path`; numbers come back as `Number`.

    Raises `SourceError` naming `file` (and `address`), the reason, and the line and column of the break.
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
            source, f"not UTF-8 text: byte {error.start} is broken", file=file, address=address
        ) from error
    except json.JSONDecodeError as error:
        raise SourceError(
            source,
            f"{_what_came(error.doc)}: {error.msg} at line {error.lineno}, column {error.colno}, "
            f"character {error.pos} of {len(error.doc)}",
            file=file,
            address=address,
            remedy="Fetch it again; if it stays so, open the address in a browser.",
        ) from error
    except _BrokenJsonError as error:
        raise SourceError(source, str(error), file=file, address=address) from error


def parse_json(data: bytes) -> JsonValue:
    """Parse JSON bytes; raise `ValueError` or `RecursionError` for whatever the module refuses."""
    text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    value: JsonValue = json.loads(
        text,
        parse_float=Number,
        parse_int=Number,
        parse_constant=_refuse_constant,
        object_pairs_hook=_object,
    )
    if _SURROGATE_ESCAPE.search(data):
        _refuse_half_pairs(value)
    return value


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    value = dict(pairs)
    if len(value) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _BrokenJsonError(f"the key {twice!r} is given twice in one JSON object")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise _BrokenJsonError(f"{name} is not a JSON number")


def _refuse_half_pairs(value: JsonValue) -> None:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting.extend(part.keys())
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, str) and any("\ud800" <= letter <= "\udfff" for letter in part):
            raise _BrokenJsonError(f"half of a surrogate pair in the text {part!a}")


def _what_came(text: str) -> str:
    start = text.lstrip()[:1]
    if start == "":
        return "an empty answer where JSON is expected"
    return "an HTML or XML page where JSON is expected" if start == "<" else "not whole JSON"
