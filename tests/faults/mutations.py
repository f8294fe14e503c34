# ruff: noqa: E501 (tables: one mutation to a line)
"""Spoiled payloads: what a publisher, a proxy, a disk or an editor does to a file, by format, reproducibly.

`spoiled(form, data, seed, count, first)` yields `count` mutations of a file of a form. Each is drawn by a
random generator of its own, seeded by text, so that a case is found again by its name. `is_void` marks those
that change no row: they must be read as if nothing had happened.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import py7zr

HTML = b"<!DOCTYPE html>\n<html><head><title>503</title></head><body>Service unavailable</body></html>\n"
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
# What stands where a code, a label or a number is expected.
STRANGE = (
    *("ZZZ9", "NA", "null", "N/A", "-", "..", "…", "0", "-1", "00", " 1", "1 ", "１２", "1,234.5", "1.234,5"),
    *(
        "NaN",
        "nan",
        "inf",
        "-Infinity",
        "1e400",
        "1e-400",
        "0x1F",
        "+5",
        "1_000",
        "1e5",
        "99999999999999999999",
    ),
    *(
        "=1+1",
        '=HYPERLINK("http://x.example","y")',
        "+cmd|' /C calc'!A0",
        "@SUM(A1)",
        "'; drop table rows; --",
    ),
    *(
        "{{ env_var('HOME') }}",
        "{% raw %}",
        "<script>",
        "a\nb",
        'a"b',
        "a,b",
        "\u200b",
        "é",
        "中国",
        "x" * 70_000,
    ),
)


@dataclass(frozen=True)
class Form:
    """How a file is made: `kind` is csv, json, html, xlsx or dta; `packed` is 7z, zip or nothing.

    `has_mark` tells that a byte order mark is agreed; `is_ordered` that the order of rows has a meaning.
    """

    kind: str
    packed: str = ""
    encoding: str = "utf-8"
    has_mark: bool = False
    is_ordered: bool = False


@dataclass(frozen=True)
class Mutation:
    """A spoiled file: what was done to it, its bytes, and whether its rows are still the same."""

    name: str
    data: bytes
    is_void: bool = False


Draw = random.Random
Spoil = Callable[[Any, Draw], Any]


def spoiled(form: Form, data: bytes, seed: str, count: int, first: int = 0) -> Iterator[Mutation]:
    """Yield `count` mutations, beginning with the mutator of number `first`; every fourth is one of bytes."""
    content = CONTENT[form.kind]
    done = 0
    number = first
    while done < count:
        draw = random.Random(f"{seed} {number}")
        if number % 4 == 3:
            name, spoil = BYTES[(number // 4) % len(BYTES)]
            changed, void = spoil(data, draw), False
        else:
            name, change = content[(number - number // 4) % len(content)]
            changed, void = change(form, data, draw)
        number += 1
        if changed != data:  # a flip can fall on an equal byte
            done += 1
            yield Mutation(f"{number - 1} {name}", changed, void)


# --- bytes, whatever they mean ------------------------------------------------------------------------


def flip(data: bytes, draw: Draw) -> bytes:
    place = draw.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << draw.randrange(8))]) + data[place + 1 :]


def flip_many(data: bytes, draw: Draw) -> bytes:
    changed = bytearray(data)
    for _ in range(max(2, len(data) // 500)):
        changed[draw.randrange(len(data))] = draw.randrange(256)
    return bytes(changed)


def cut_short(data: bytes, draw: Draw) -> bytes:
    return data[: draw.randrange(len(data))]


def cut_end(data: bytes, draw: Draw) -> bytes:
    return data[: -draw.randrange(1, min(30, len(data)))]


def cut_start(data: bytes, draw: Draw) -> bytes:
    return data[draw.randrange(1, min(40, len(data))) :]


def insert(data: bytes, draw: Draw) -> bytes:
    place = draw.randrange(len(data) + 1)
    return data[:place] + draw.randbytes(draw.randrange(1, 9)) + data[place:]


def remove(data: bytes, draw: Draw) -> bytes:
    place = draw.randrange(len(data))
    return data[:place] + data[place + draw.randrange(1, 200) :]


def double(data: bytes, draw: Draw) -> bytes:
    place = draw.randrange(len(data))
    end = place + draw.randrange(1, 400)
    return data[:end] + data[place:end] + data[end:]


def zeroes(data: bytes, draw: Draw) -> bytes:
    place, size = draw.randrange(len(data)), draw.randrange(1, 512)
    return data[:place] + b"\0" * len(data[place : place + size]) + data[place + size :]


def twice(data: bytes, draw: Draw) -> bytes:
    return data + data


def with_tail(data: bytes, draw: Draw) -> bytes:
    return data + draw.choice((b"\n", b"\r\n\r\n", b"\0" * 512, b"<!-- cached -->", b"garbage", b"\x1a"))


def swapped_bytes(data: bytes, draw: Draw) -> bytes:
    return b"".join(data[place : place + 2][::-1] for place in range(0, len(data), 2))


BYTES: tuple[tuple[str, Callable[[bytes, Draw], bytes]], ...] = (
    ("a bit flipped", flip),
    ("cut short", cut_short),
    ("bytes inserted", insert),
    ("a page in its place", lambda data, draw: HTML),
    ("bytes removed", remove),
    ("many bytes wrong", flip_many),
    ("bytes doubled", double),
    ("its end cut off", cut_end),
    ("a block of zeroes", zeroes),
    ("a tail", with_tail),
    ("its start cut off", cut_start),
    ("sent twice", twice),
    ("empty", lambda data, draw: b""),
    ("white space alone", lambda data, draw: b" \r\n\n"),
    ("bytes of words swapped", swapped_bytes),
    ("a mark before it", lambda data, draw: b"\xef\xbb\xbf" + data),
    ("gzip in its place", lambda data, draw: b"\x1f\x8b\x08\x00" + data),
)


# --- tables of delimited text -------------------------------------------------------------------------


def cell(change: Callable[[str, Draw], str]) -> Spoil:
    def spoil(rows: list[list[str]], draw: Draw) -> list[list[str]]:
        row = draw.choice(rows[1:])
        place = draw.randrange(len(row))
        row[place] = change(row[place], draw)
        return rows

    return spoil


def figure(change: Callable[[str, Draw], str]) -> Spoil:
    """Change one number that is not a whole one of few digits, which may be a code."""

    def spoil(rows: list[list[str]], draw: Draw) -> list[list[str]]:
        for _ in range(200):
            row = draw.choice(rows[1:])
            places = [place for place, text in enumerate(row) if NUMBER.fullmatch(text) and len(text) > 4]
            if places:
                place = draw.choice(places)
                row[place] = change(row[place], draw)
                break
        return rows

    return spoil


def column(change: Callable[[list[list[str]], int, Draw], None]) -> Spoil:
    def spoil(rows: list[list[str]], draw: Draw) -> list[list[str]]:
        change(rows, draw.randrange(len(rows[0])), draw)
        return rows

    return spoil


def drop_rows(rows: list[Any], draw: Draw) -> list[Any]:
    for _ in range(draw.choice((1, 1, 3, len(rows) // 3))):
        if len(rows) > 2:
            del rows[draw.randrange(1, len(rows))]
    return rows


def double_row(rows: list[Any], draw: Draw) -> list[Any]:
    rows.insert(draw.randrange(1, len(rows) + 1), draw.choice(rows[1:]))
    return rows


def shuffle_rows(rows: list[Any], draw: Draw) -> list[Any]:
    rest = rows[1:]
    draw.shuffle(rest)
    return [rows[0], *rest]


def swap_cells(rows: list[list[str]], draw: Draw) -> list[list[str]]:
    one, other = draw.choice(rows[1:]), draw.choice(rows[1:])
    place = draw.randrange(len(one))
    one[place], other[place] = other[place], one[place]
    return rows


def swap_neighbours(rows: list[list[str]], draw: Draw) -> list[list[str]]:
    row = draw.choice(rows[1:])
    place = draw.randrange(len(row) - 1)
    row[place], row[place + 1] = row[place + 1], row[place]
    return rows


def _drop_column(rows: list[list[str]], place: int, draw: Draw) -> None:
    for row in rows:
        del row[place]


def _add_column(rows: list[list[str]], place: int, draw: Draw) -> None:
    for number, row in enumerate(rows):
        row.insert(place, "Extra" if number == 0 else "1")


def _rename_column(rows: list[list[str]], place: int, draw: Draw) -> None:
    rows[0][place] = draw.choice((rows[0][place].swapcase(), f"{rows[0][place]} ", "Renamed", "", rows[0][0]))


def _swap_columns(rows: list[list[str]], place: int, draw: Draw) -> None:
    other = draw.randrange(len(rows[0]))
    for row in rows:
        row[place], row[other] = row[other], row[place]


def _swap_headers(rows: list[list[str]], place: int, draw: Draw) -> None:
    other = draw.randrange(len(rows[0]))
    rows[0][place], rows[0][other] = rows[0][other], rows[0][place]


def _empty_column(rows: list[list[str]], place: int, draw: Draw) -> None:
    for row in rows[1:]:
        row[place] = ""


def _lower_column(rows: list[list[str]], place: int, draw: Draw) -> None:
    for row in rows[1:]:
        row[place] = row[place].swapcase()


def _without_zeroes(rows: list[list[str]], place: int, draw: Draw) -> None:
    """Do to codes what a spreadsheet does, when a file is opened and saved in it."""
    for row in rows[1:]:
        row[:] = [str(int(text)) if re.fullmatch("0[0-9]+", text) else text for text in row]


def scaled(rows: list[list[str]], draw: Draw) -> list[list[str]]:
    for row in rows[1:]:
        if NUMBER.fullmatch(row[-1]) and "." in row[-1]:
            row[-1] = row[-1].replace(".", "")
    return rows


def one_digit(text: str, draw: Draw) -> str:
    place = draw.choice([place for place, sign in enumerate(text) if sign.isdigit()])
    return text[:place] + draw.choice("0123456789") + text[place + 1 :]


ROWS: tuple[tuple[str, Spoil], ...] = (
    ("rows dropped", drop_rows),
    ("a row doubled", double_row),
    ("two cells swapped", swap_cells),
    ("a strange cell", cell(lambda text, draw: draw.choice(STRANGE))),
    ("a figure changed", figure(one_digit)),
    ("neighbours swapped", swap_neighbours),
    ("a column dropped", column(_drop_column)),
    ("a column added", column(_add_column)),
    ("a strange figure", figure(lambda text, draw: draw.choice(STRANGE))),
    ("a column renamed", column(_rename_column)),
    ("columns swapped", column(_swap_columns)),
    ("headers swapped", column(_swap_headers)),
    ("an empty cell", cell(lambda text, draw: "")),
    ("another case", cell(lambda text, draw: text.swapcase())),
    ("thousands commas", figure(lambda text, draw: f"{text[0]},{text[1:]}")),
    ("an empty column", column(_empty_column)),
    ("another case throughout", column(_lower_column)),
    ("codes without zeroes", column(_without_zeroes)),
    ("no rows", lambda rows, draw: rows[:1]),
    ("no header", lambda rows, draw: rows[1:]),
    ("the header in the middle", lambda rows, draw: [*rows[:3], rows[0], *rows[3:]]),
    ("points lost", scaled),
    ("a sign turned", figure(lambda text, draw: f"-{text}")),
    ("a short row", lambda rows, draw: [*rows[:-1], rows[-1][:-1]]),
    ("a long row", lambda rows, draw: [*rows[:2], [*rows[2], ""], *rows[3:]]),
    ("an empty line", lambda rows, draw: [*rows[:3], [], *rows[3:]]),
    ("a figure with an exponent", figure(lambda text, draw: f"{text}E+02")),
    ("a control character", cell(lambda text, draw: text + draw.choice("\t\x0b\x0c\x1c\x1e\x1f\x7f\u2028"))),
)


def in_rows(spoil: Spoil) -> Callable[[Form, bytes, Draw], tuple[bytes, bool]]:
    def change(form: Form, data: bytes, draw: Draw) -> tuple[bytes, bool]:
        return in_text(form, data, lambda text: written(spoil(table(text), draw))), False

    return change


def in_text(form: Form, data: bytes, change: Callable[[str], str | bytes]) -> bytes:
    """Change the text of a table, packed or not, and keep its byte order mark."""
    sent = unpacked(form, data)
    mark = b"\xef\xbb\xbf" if sent.startswith(b"\xef\xbb\xbf") else b""
    changed = change(sent.removeprefix(mark).decode(form.encoding))
    return packed(
        form, mark + changed.encode(form.encoding, "replace") if isinstance(changed, str) else changed
    )


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def written(rows: list[list[str]], quoting: int = csv.QUOTE_MINIMAL, end: str = "\r\n") -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end, quoting=quoting).writerows(rows)
    return out.getvalue()


def void(change: Callable[[str], str | bytes]) -> Callable[[Form, bytes, Draw], tuple[bytes, bool]]:
    return lambda form, data, draw: (in_text(form, data, change), True)


def not_void(change: Callable[[str], str | bytes]) -> Callable[[Form, bytes, Draw], tuple[bytes, bool]]:
    return lambda form, data, draw: (in_text(form, data, change), False)


def marked(form: Form, data: bytes, draw: Draw) -> tuple[bytes, bool]:
    """Put a byte order mark where there is none, or take it away."""
    sent = unpacked(form, data)
    mark = b"\xef\xbb\xbf"
    return packed(form, sent.removeprefix(mark) if sent.startswith(mark) else mark + sent), form.has_mark


def reordered(form: Form, data: bytes, draw: Draw) -> tuple[bytes, bool]:
    return in_text(form, data, lambda text: written(shuffle_rows(table(text), draw))), not form.is_ordered


def unpacked(form: Form, data: bytes) -> bytes:
    """Return the one member of an archive, or the bytes themselves."""
    if form.packed == "zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.read(archive.namelist()[0])
    if form.packed == "7z":
        factory = py7zr.io.BytesIOFactory(256 << 20)
        with py7zr.SevenZipFile(io.BytesIO(data)) as archive:
            (name,) = archive.getnames()
            archive.extractall(factory=factory)
        member: bytes = factory.get(name).read()
        return member
    return data


def packed(form: Form, data: bytes, name: str = "table.csv", **more: bytes) -> bytes:
    """Pack a member, and more beside it, as the form says."""
    if not form.packed:
        return data
    out = io.BytesIO()
    members = {name: data, **more}
    if form.packed == "zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for member, held in members.items():
                archive.writestr(zipfile.ZipInfo(member), held, zipfile.ZIP_DEFLATED, 1)
    else:
        with (
            mock.patch("py7zr.py7zr.check_archive_path", return_value=True),  # to write a climbing name
            py7zr.SevenZipFile(out, "w", filters=[{"id": py7zr.FILTER_COPY}]) as seven,
        ):
            for member, held in members.items():
                seven.writestr(held, member)
    return out.getvalue()


def zip64(data: bytes) -> bytes:
    """Pack a zip's members again with the wide header, as a stream of unknown length is packed."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as held,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for info in held.infolist():
            with archive.open(info.filename, "w", force_zip64=True) as member:
                member.write(held.read(info))
    return out.getvalue()


def repacked(method: int) -> Callable[[bytes], bytes]:
    def pack(data: bytes) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as held, zipfile.ZipFile(out, "w", method) as archive:
            for name in held.namelist():
                archive.writestr(zipfile.ZipInfo(name), held.read(name), method)
        return out.getvalue()

    return pack


def archived(form: Form, data: bytes, draw: Draw) -> tuple[str, bytes, bool]:
    """Return the archive with something wrong around the table, or nothing that matters."""
    inner = unpacked(form, data)
    other = Form("csv", "zip" if form.packed == "7z" else "7z")
    choices: list[tuple[str, Callable[[], bytes], bool]] = [
        ("another member's name", lambda: packed(form, inner, "OTHER.TXT"), True),
        ("two members", lambda: packed(form, inner, **{"second.csv": inner}), False),
        ("a page inside", lambda: packed(form, HTML), False),
        ("nothing inside", lambda: packed(form, b""), False),
        ("an archive inside", lambda: packed(form, packed(form, inner)), False),
        ("another archive", lambda: packed(other, inner), False),
        ("not packed", lambda: inner, False),
        ("a climbing name", lambda: packed(form, inner, "../table.csv"), False),
        ("cut inside", lambda: packed(form, inner[: draw.randrange(len(inner))]), False),
        ("a bit flipped inside", lambda: packed(form, flip(inner, draw)), False),
        ("zeroes inside", lambda: packed(form, zeroes(inner, draw)), False),
    ]
    if form.packed == "zip":
        choices += [
            ("zip64", lambda: zip64(data), True),
            ("zip64 cut short", lambda: cut_end(zip64(data), draw), False),
            ("stored", lambda: repacked(zipfile.ZIP_STORED)(data), True),
            ("bzip2", lambda: repacked(zipfile.ZIP_BZIP2)(data), False),
            ("no members", lambda: zip_of({}), False),
        ]
    name, make, is_void = draw.choice(choices)
    return name, make(), is_void


def zip_of(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, held in members.items():
            archive.writestr(name, held)
    return out.getvalue()


def around(form: Form, data: bytes, draw: Draw) -> tuple[bytes, bool]:
    if form.packed:
        _, changed, is_void = archived(form, data, draw)
        return changed, is_void
    return flip(data, draw), False


TABLES: tuple[tuple[str, Callable[[Form, bytes, Draw], tuple[bytes, bool]]], ...] = (
    ("all quoted", void(lambda text: written(table(text), csv.QUOTE_ALL))),
    ("around the table", around),
    ("rows in another order", reordered),
    *((name, in_rows(spoil)) for name, spoil in ROWS[:9]),
    ("around the table", around),
    ("other line ends", void(lambda text: written(table(text), end="\n" if "\r\n" in text else "\r\n"))),
    ("a byte order mark", marked),
    *((name, in_rows(spoil)) for name, spoil in ROWS[9:18]),
    ("around the table", around),
    ("UTF-16", not_void(lambda text: text.encode("utf-16"))),
    ("Latin-1", not_void(lambda text: text.encode("latin-1", "replace"))),
    ("GB 18030", not_void(lambda text: text.encode("gb18030"))),
    ("decoded twice", not_void(lambda text: text.encode("utf-8").decode("latin-1").encode("utf-8"))),
    ("semicolons", not_void(lambda text: text.replace(",", ";"))),
    ("carriage returns alone", not_void(lambda text: written(table(text), end="\r"))),
    ("around the table", around),
    *((name, in_rows(spoil)) for name, spoil in ROWS[18:]),
    ("trailing commas", not_void(lambda text: text.replace("\r\n", ",\r\n"))),
)


# --- JSON ---------------------------------------------------------------------------------------------

DIGITS = "\ue000"  # stands before a number's own digits while the tree is changed
TOKENS = ("NaN", "Infinity", "1e400", "-0", "00", "1.", "1,234.5", "true", "null", "[]", "{}", '"NA"', '"1"')


def parsed(data: bytes) -> Any:
    return json.loads(data, parse_float=lambda text: DIGITS + text, parse_int=lambda text: DIGITS + text)


def spelled(tree: Any, **how: Any) -> bytes:
    text = json.dumps(tree, ensure_ascii=how.pop("ensure_ascii", False), **how)
    return re.sub(
        f'"(?:{DIGITS}|\\\\ue000)((?:[^"\\\\]|\\\\.)*)"', lambda found: told(found[1]), text
    ).encode()


def told(text: str) -> str:
    return str(json.loads(f'"{text}"'))


def parts(tree: Any) -> Iterator[Any]:
    """Yield every object and array of a tree."""
    yield tree
    for part in tree.values() if isinstance(tree, dict) else tree:
        if isinstance(part, dict | list):
            yield from parts(part)


def table_of(tree: Any) -> list[Any]:
    """Return the longest array of objects."""
    lists = [part for part in parts(tree) if isinstance(part, list) and part]
    return max(lists, key=len)


def of_rows(change: Callable[[list[Any], Draw], Any]) -> Spoil:
    def spoil(tree: Any, draw: Draw) -> Any:
        change(table_of(tree), draw)
        return tree

    return spoil


def of_object(change: Callable[[dict[str, Any], str, Draw], Any]) -> Spoil:
    def spoil(tree: Any, draw: Draw) -> Any:
        objects = [part for part in parts(tree) if isinstance(part, dict) and part]
        if not objects:
            return {"not": tree}
        one = draw.choice(objects)
        change(one, draw.choice(list(one)), draw)
        return tree

    return spoil


def of_figure(change: Callable[[str, Draw], Any]) -> Spoil:
    """Change a number, or a text that is one, of more than four digits."""

    def spoil(tree: Any, draw: Draw) -> Any:
        places = [
            (part, key)
            for part in parts(tree)
            for key, value in (part.items() if isinstance(part, dict) else enumerate(part))
            if isinstance(value, str) and NUMBER.fullmatch(value.removeprefix(DIGITS)) and len(value) > 5
        ]
        if not places:
            return [tree]
        part, key = draw.choice(places)
        part[key] = change(part[key], draw)
        return tree

    return spoil


def _rename(one: dict[str, Any], key: str, draw: Draw) -> None:
    one[draw.choice((key.upper(), f"{key} ", "renamed"))] = one.pop(key)


def _lose(rows: list[Any], draw: Draw) -> None:
    del rows[draw.randrange(len(rows))]


def fewer_and_told(tree: Any, draw: Draw) -> Any:
    """Drop rows, and let the counts in the header agree."""
    rows = table_of(tree)
    for _ in range(min(len(rows) - 1, draw.choice((1, 3, len(rows) // 2)))):
        del rows[draw.randrange(len(rows))]
    for part in parts(tree):
        if isinstance(part, dict) and "total" in part:
            part["total"] = f"{DIGITS}{len(rows)}"
    return tree


def in_tree(spoil: Spoil) -> Callable[[Form, bytes, Draw], tuple[bytes, bool]]:
    return lambda form, data, draw: (spelled(spoil(parsed(data), draw)), False)


def same_tree(write: Callable[[Any, Draw], bytes]) -> Callable[[Form, bytes, Draw], tuple[bytes, bool]]:
    return lambda form, data, draw: (write(parsed(data), draw), True)


def in_json_order(form: Form, data: bytes, draw: Draw) -> tuple[bytes, bool]:
    tree = parsed(data)
    draw.shuffle(table_of(tree))
    return spelled(tree), not form.is_ordered


def backwards(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: backwards(tree[key]) for key in reversed(tree)}
    return [backwards(one) for one in tree] if isinstance(tree, list) else tree


def replaced(make: Callable[[bytes, Draw], bytes]) -> Callable[[Form, bytes, Draw], tuple[bytes, bool]]:
    return lambda form, data, draw: (make(data, draw), False)


JSON: tuple[tuple[str, Callable[[Form, bytes, Draw], tuple[bytes, bool]]], ...] = (
    ("a row lost", in_tree(of_rows(_lose))),
    ("a strange value", in_tree(of_object(lambda one, key, draw: one.update({key: draw.choice(STRANGE)})))),
    ("indented", same_tree(lambda tree, draw: spelled(tree, indent=2))),
    ("a key lost", in_tree(of_object(lambda one, key, draw: one.pop(key)))),
    ("a figure changed", in_tree(of_figure(lambda text, draw: DIGITS + one_digit(text.strip(DIGITS), draw)))),
    ("a row doubled", in_tree(of_rows(lambda rows, draw: rows.append(draw.choice(rows))))),
    ("a key renamed", in_tree(of_object(_rename))),
    ("rows in another order", in_json_order),
    ("null", in_tree(of_object(lambda one, key, draw: one.update({key: None})))),
    ("rows lost and counts agree", in_tree(fewer_and_told)),
    ("a strange figure", in_tree(of_figure(lambda text, draw: draw.choice(STRANGE)))),
    ("another token", in_tree(of_figure(lambda text, draw: DIGITS + json.dumps(draw.choice(TOKENS))[1:-1]))),
    ("a key more", in_tree(of_object(lambda one, key, draw: one.update({"extra": "1"})))),
    ("escaped", same_tree(lambda tree, draw: spelled(tree, ensure_ascii=True))),
    (
        "another type",
        in_tree(of_object(lambda one, key, draw: one.update({key: draw.choice(([], {}, True, [1]))}))),
    ),
    ("objects backwards", same_tree(lambda tree, draw: spelled(backwards(tree)))),
    ("a figure as text", in_tree(of_figure(lambda text, draw: text.strip(DIGITS)))),
    ("a figure with an exponent", in_tree(of_figure(lambda text, draw: f"{text}E+02"))),
    ("a mark before it", lambda form, data, draw: (b"\xef\xbb\xbf" + data, True)),
    ("no rows", in_tree(of_rows(lambda rows, draw: rows.clear()))),
    (
        "a row that is none",
        in_tree(of_rows(lambda rows, draw: rows.append(draw.choice((None, "x", [], {}))))),
    ),
    ("another case", in_tree(of_object(lambda one, key, draw: one.update({key: str(one[key]).swapcase()})))),
    ("in an array", in_tree(lambda tree, draw: [tree])),
    ("an object of nothing", replaced(lambda data, draw: b"{}")),
    (
        "a bare value",
        replaced(lambda data, draw: draw.choice((b"null", b"1", b'"text"', b"[]", b"[[]]", b"true"))),
    ),
    ("nested without end", replaced(lambda data, draw: b"[" * 100_000)),
    ("a key twice", replaced(lambda data, draw: data.replace(b"{", b'{"a": 1, "a": 2, ', 1))),
    ("half a surrogate pair", replaced(lambda data, draw: data.replace(b': "', b': "\\ud83d', 1))),
    ("a message", replaced(lambda data, draw: b'{"returncode": 501, "message": "busy", "status": "ERROR"}')),
    ("UTF-16", replaced(lambda data, draw: data.decode("utf-8").encode("utf-16"))),
    ("GB 18030", replaced(lambda data, draw: data.decode("utf-8").encode("gb18030"))),
    ("two answers", replaced(lambda data, draw: data + b"\n" + data)),
    ("a number without end", in_tree(of_figure(lambda text, draw: DIGITS + "9" * 5_000))),
)


# --- pages that a link is looked up in ----------------------------------------------------------------


def in_page(change: Callable[[str, Draw], str]) -> Callable[[Form, bytes, Draw], tuple[bytes, bool]]:
    return lambda form, data, draw: (change(data.decode("utf-8"), draw).encode("utf-8", "replace"), False)


def same_page(change: Callable[[str, Draw], str]) -> Callable[[Form, bytes, Draw], tuple[bytes, bool]]:
    return lambda form, data, draw: (change(data.decode("utf-8"), draw).encode("utf-8"), True)


PAGES: tuple[tuple[str, Callable[[Form, bytes, Draw], tuple[bytes, bool]]], ...] = (
    ("no links", in_page(lambda text, draw: text.replace("href", "data-href"))),
    (
        "a comment",
        same_page(lambda text, draw: text.replace("<body", "<!-- cached --><body", 1) + "\n<!-- 1 -->"),
    ),
    ("links elsewhere", in_page(lambda text, draw: text.replace('href="', 'href="https://evil.example'))),
    (
        "links to a file",
        in_page(lambda text, draw: re.sub('href="[^"]*"', 'href="file:///etc/passwd"', text)),
    ),
    (
        "every link twice",
        same_page(lambda text, draw: re.sub("(<a .*?</a>)", r"\1\1", text, flags=re.DOTALL)),
    ),
    ("a broken link", in_page(lambda text, draw: re.sub('href="[^"]*"', 'href="https://[::1"', text))),
    (
        "a digit of a link",
        in_page(lambda text, draw: re.sub(r'(href="[^"]*?)[0-9a-f]([^"]*")', r"\g<1>7\2", text)),
    ),
    ("UTF-16", replaced(lambda data, draw: data.decode("utf-8").encode("utf-16"))),
    ("links that climb", in_page(lambda text, draw: re.sub('href="', 'href="../../..', text))),
    ("GB 18030", replaced(lambda data, draw: data.decode("utf-8").encode("gb18030"))),
    ("upper case", in_page(lambda text, draw: text.upper())),
    ("a space in a link", in_page(lambda text, draw: text.replace('href="', 'href=" '))),
)


# --- workbooks ----------------------------------------------------------------------------------------


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def in_book(
    change: Callable[[dict[str, bytes], Draw], Any], is_void: bool = False
) -> Callable[[Form, bytes, Draw], tuple[bytes, bool]]:
    def spoil(form: Form, data: bytes, draw: Draw) -> tuple[bytes, bool]:
        members = members_of(data)
        change(members, draw)
        return zip_of(members), is_void

    return spoil


def _part(members: dict[str, bytes], draw: Draw, pattern: str = "xl/worksheets/sheet") -> str:
    return draw.choice([name for name in members if name.startswith(pattern)])


def in_sheet(change: Callable[[bytes, Draw], bytes], is_void: bool = False) -> Any:
    def spoil(members: dict[str, bytes], draw: Draw) -> None:
        part = _part(members, draw)
        members[part] = change(members[part], draw)

    return in_book(spoil, is_void)


def in_strings(change: Callable[[bytes, Draw], bytes]) -> Any:
    def spoil(members: dict[str, bytes], draw: Draw) -> None:
        members["xl/sharedStrings.xml"] = change(members["xl/sharedStrings.xml"], draw)

    return in_book(spoil)


def one_match(
    pattern: bytes, change: Callable[[re.Match[bytes], Draw], bytes]
) -> Callable[[bytes, Draw], bytes]:
    """Change one of the places where a pattern stands."""

    def spoil(data: bytes, draw: Draw) -> bytes:
        found = list(re.finditer(pattern, data, re.DOTALL))
        if not found:
            return data
        one = draw.choice(found)
        return data[: one.start()] + change(one, draw) + data[one.end() :]

    return spoil


def _value(text: str) -> bytes:
    return f"<v>{text}</v>".replace("&", "&amp;").encode()


VALUE, ROW, CELL, STRING = rb"<v>[^<]*</v>", rb"<row .*?</row>", rb"<c [^>]*>.*?</c>", rb"<t[^>]*>[^<]*</t>"
SAFE_STRANGE = tuple(text for text in STRANGE if not set("<\n") & set(text) and len(text) < 100)
BOOKS: tuple[tuple[str, Callable[[Form, bytes, Draw], tuple[bytes, bool]]], ...] = (
    ("a part missing", in_book(lambda members, draw: members.pop(draw.choice(list(members))))),
    ("a strange value", in_sheet(one_match(VALUE, lambda found, draw: _value(draw.choice(SAFE_STRANGE))))),
    ("packed again", in_book(lambda members, draw: members.update({"docProps/new.xml": b"<a/>"}), True)),
    ("a digit changed", in_sheet(one_match(VALUE, lambda found, draw: _value(one_digit(found[0][3:-4].decode(), draw))))),
    ("a row lost", in_sheet(one_match(ROW, lambda found, draw: b""))),
    ("a part empty", in_book(lambda members, draw: members.update({draw.choice(list(members)): b""}))),
    ("a cell lost", in_sheet(one_match(CELL, lambda found, draw: b""))),
    ("a row doubled", in_sheet(one_match(ROW, lambda found, draw: found[0] * 2))),
    ("zip64", lambda form, data, draw: (zip64(data), True)),
    ("a sheet cut short", in_sheet(cut_short)),
    ("a text changed", in_strings(one_match(STRING, lambda found, draw: f"<t>{draw.choice(SAFE_STRANGE)}</t>".replace("&", "&amp;").encode()))),
    ("two sheets swapped", in_book(lambda members, draw: _swap_parts(members, draw))),
    ("zip64 cut short", lambda form, data, draw: (cut_end(zip64(data), draw), False)),
    ("another type of cell", in_sheet(one_match(rb' t="s"', lambda found, draw: draw.choice((b' t="e"', b' t="b"', b' t="q"', b""))))),
    ("an error cell", in_sheet(one_match(CELL, lambda found, draw: re.sub(rb"<c ([^>]*?)( t=\"\w+\")?>.*", rb'<c \1 t="e"><v>#REF!</v></c>', found[0])))),
    ("a formula alone", in_sheet(one_match(VALUE, lambda found, draw: b"<f>SUM(A1:A9)</f>"))),
    ("a place changed", in_sheet(one_match(rb' r="[A-Z]+[0-9]+"', lambda found, draw: draw.choice((b' r="XFE1"', b' r="A1"', b' r="?"', b""))))),
    ("a part a page", in_book(lambda members, draw: members.update({draw.choice(list(members)): HTML}))),
    ("a table inside", lambda form, data, draw: (zip_of({"xl/workbook.xml": b"a,b\n1,2\n", "[Content_Types].xml": b""}), False)),
    ("a sheet renamed", in_book(lambda members, draw: members.update({"xl/workbook.xml": one_match(rb'<sheet name="[^"]*"', lambda found, draw: b'<sheet name="Sheet1"')(members["xl/workbook.xml"], draw)}))),
    ("a bit flipped in a part", in_sheet(flip)),
    ("an entity", in_book(lambda members, draw: members.update({"xl/workbook.xml": b'<!DOCTYPE x [<!ENTITY a "b">]>' + re.sub(rb"^<\?xml.*?\?>", b"", members["xl/workbook.xml"])}))),
    ("stored", lambda form, data, draw: (repacked(zipfile.ZIP_STORED)(data), True)),
    ("bzip2", lambda form, data, draw: (repacked(zipfile.ZIP_BZIP2)(data), False)),
    ("a sheet in UTF-16", in_sheet(lambda data, draw: re.sub("encoding=.UTF-8.", 'encoding="UTF-16"', data.decode("utf-8")).encode("utf-16"))),
    ("an unknown encoding", in_sheet(lambda data, draw: data.replace(b"UTF-8", b"EBCDIC-9", 1))),
    ("a row's number", in_sheet(one_match(rb'<row r="[0-9]+"', lambda found, draw: b'<row r="' + draw.choice((b"1", b"0", b"-1", b"1048577", b"x")) + b'"'))),
)  # fmt: skip


def _swap_parts(members: dict[str, bytes], draw: Draw) -> None:
    one, other = _part(members, draw), _part(members, draw)
    members[one], members[other] = members[other], members[one]


# --- Stata files --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stata:
    """A Stata file of releases 8 to 12, taken apart: what stands before the rows, the rows, what stands behind."""

    head: bytes
    layout: str
    names: tuple[str, ...]
    rows: tuple[bytes, ...]
    tail: bytes

    @property
    def data(self) -> bytes:
        """Return the file, its number of rows as it is."""
        return (
            self.head[:6]
            + struct.pack("<i", len(self.rows))
            + self.head[10:]
            + b"".join(self.rows)
            + self.tail
        )


def stata(data: bytes) -> Stata:
    """Take a little-endian file apart by the published layout, and by nothing else."""
    if data[0] not in (113, 114, 115) or data[1] != 2:
        raise ValueError(f"release {data[0]}, byte order {data[1]}")
    count, rows = struct.unpack("<hi", data[4:10])
    types = data[109 : 109 + count]
    layout = "<" + "".join({251: "b", 252: "h", 253: "i", 254: "f", 255: "d"}[code] for code in types)
    place = 109 + count
    names = tuple(data[place + 33 * n : place + 33 * (n + 1)].split(b"\0")[0].decode() for n in range(count))
    place += 33 * count + 2 * (count + 1) + (12 if data[0] == 113 else 49) * count + 33 * count + 81 * count
    while True:
        kind, size = struct.unpack("<bi", data[place : place + 5])
        place += 5 + size
        if kind == 0:
            break
    width = struct.calcsize(layout)
    end = place + rows * width
    if len(data) < end:
        raise ValueError("fewer rows than announced")
    cells = tuple(data[at : at + width] for at in range(place, end, width))
    return Stata(data[:place], layout, names, cells, data[end:])


def in_stata(change: Callable[[list[bytes], str, Draw], list[bytes]], is_void: bool = False) -> Any:
    def spoil(form: Form, data: bytes, draw: Draw) -> tuple[bytes, bool]:
        held = stata(data)
        rows = change(list(held.rows), held.layout, draw)
        return Stata(held.head, held.layout, held.names, tuple(rows), held.tail).data, is_void

    return spoil


def number_of(kinds: str, choose: Callable[[Draw], float]) -> Any:
    def change(rows: list[bytes], layout: str, draw: Draw) -> list[bytes]:
        at = draw.randrange(len(rows))
        cells = list(struct.unpack(layout, rows[at]))
        place = draw.choice([n for n, kind in enumerate(layout[1:]) if kind in kinds])
        cells[place] = choose(draw)
        rows[at] = struct.pack(layout, *cells)
        return rows

    return in_stata(change)


def in_head(change: Callable[[bytes, Draw], bytes]) -> Callable[[Form, bytes, Draw], tuple[bytes, bool]]:
    def spoil(form: Form, data: bytes, draw: Draw) -> tuple[bytes, bool]:
        size = len(stata(data).head)
        return change(data[:size], draw) + data[size:], False

    return spoil


def shuffled(rows: list[bytes], layout: str, draw: Draw) -> list[bytes]:
    draw.shuffle(rows)
    return rows


DTA: tuple[tuple[str, Callable[[Form, bytes, Draw], tuple[bytes, bool]]], ...] = (
    ("a row lost", in_stata(lambda rows, layout, draw: rows[: draw.randrange(len(rows))] + rows[-50:])),
    ("a figure changed", number_of("d", lambda draw: draw.uniform(0, 1e9))),
    ("rows in another order", in_stata(shuffled, True)),
    ("a row doubled", in_stata(lambda rows, layout, draw: [*rows, draw.choice(rows)])),
    ("a missing figure", number_of("d", lambda draw: 8.98846567431158e307)),
    ("a strange code", number_of("ihb", lambda draw: draw.choice((99, 0, -1, 100)))),
    ("not a number", number_of("d", lambda draw: draw.choice((float("nan"), float("inf"), -float("inf"))))),
    ("a missing code", number_of("i", lambda draw: 2147483621)),
    ("more rows announced", in_head(lambda head, draw: head[:6] + struct.pack("<i", 10**6) + head[10:])),
    ("fewer rows announced", in_head(lambda head, draw: head[:6] + struct.pack("<i", 12) + head[10:])),
    ("minus one row announced", in_head(lambda head, draw: head[:6] + struct.pack("<i", -1) + head[10:])),
    ("another release", in_head(lambda head, draw: bytes([draw.choice((104, 113, 117, 118, 200))]) + head[1:])),
    ("another byte order", in_head(lambda head, draw: head[:1] + b"\x01" + head[2:])),
    ("a variable renamed", in_head(lambda head, draw: head.replace(b"export_value\0", b"export_val\0\0\0", 1))),
    ("two variables named alike", in_head(lambda head, draw: head.replace(b"import_value\0", b"export_value\0", 1))),
    ("another type", in_head(lambda head, draw: head[:109] + bytes([draw.choice((251, 252, 254, 20))]) + head[110:])),
    ("a bit flipped in the head", in_head(flip)),
    ("another label", in_head(lambda head, draw: head[:20] + b"label" + head[25:])),
    ("no rows", in_stata(lambda rows, layout, draw: [])),
    ("a tiny figure", number_of("d", lambda draw: draw.choice((5e-324, -0.0, 1e300)))),
)  # fmt: skip

CONTENT = {"csv": TABLES, "json": JSON, "html": PAGES, "xlsx": BOOKS, "dta": DTA}
