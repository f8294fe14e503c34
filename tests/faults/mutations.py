# ruff: noqa: E501 (tables: one mutation to a line)
"""Reproducible mutations of recorded files, by format: damage by a publisher, a proxy, a disk or an editor.

`spoiled(form, data, seed, count, first)` yields `count` mutations of a file. Each mutation has its own random
generator, seeded by text, so that a case can be reproduced by its name. `is_void` marks the mutations that
change no row: the rows read from them must be the rows of the original file.
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
# Replacements for a code, a label or a number.
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

    `has_mark`: a byte order mark is expected; `is_ordered`: the order of rows has a meaning.
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
    """Yield `count` mutations, beginning with mutator number `first`; every fourth mutation changes bytes."""
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


# --- bytes, in any format -----------------------------------------------------------------------------


def flip(data: bytes, draw: Draw) -> bytes:
    position = draw.randrange(len(data))
    return data[:position] + bytes([data[position] ^ (1 << draw.randrange(8))]) + data[position + 1 :]


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
    position = draw.randrange(len(data) + 1)
    return data[:position] + draw.randbytes(draw.randrange(1, 9)) + data[position:]


def remove(data: bytes, draw: Draw) -> bytes:
    position = draw.randrange(len(data))
    return data[:position] + data[position + draw.randrange(1, 200) :]


def double(data: bytes, draw: Draw) -> bytes:
    position = draw.randrange(len(data))
    end = position + draw.randrange(1, 400)
    return data[:end] + data[position:end] + data[end:]


def zeroes(data: bytes, draw: Draw) -> bytes:
    position, size = draw.randrange(len(data)), draw.randrange(1, 512)
    return data[:position] + b"\0" * len(data[position : position + size]) + data[position + size :]


def repeated(data: bytes, draw: Draw) -> bytes:
    return data + data


def with_tail(data: bytes, draw: Draw) -> bytes:
    return data + draw.choice((b"\n", b"\r\n\r\n", b"\0" * 512, b"<!-- cached -->", b"garbage", b"\x1a"))


def swapped_bytes(data: bytes, draw: Draw) -> bytes:
    return b"".join(data[position : position + 2][::-1] for position in range(0, len(data), 2))


BYTES: tuple[tuple[str, Callable[[bytes, Draw], bytes]], ...] = (
    ("a bit flipped", flip),
    ("cut short", cut_short),
    ("bytes inserted", insert),
    ("replaced by a web page", lambda data, draw: HTML),
    ("bytes removed", remove),
    ("many bytes wrong", flip_many),
    ("bytes doubled", double),
    ("its end cut off", cut_end),
    ("a block of zeroes", zeroes),
    ("a tail", with_tail),
    ("its start cut off", cut_start),
    ("repeated", repeated),
    ("empty", lambda data, draw: b""),
    ("white space alone", lambda data, draw: b" \r\n\n"),
    ("bytes of words swapped", swapped_bytes),
    ("a byte order mark before it", lambda data, draw: b"\xef\xbb\xbf" + data),
    ("a gzip header before it", lambda data, draw: b"\x1f\x8b\x08\x00" + data),
)


# --- tables of delimited text -------------------------------------------------------------------------


def cell(change: Callable[[str, Draw], str]) -> Spoil:
    def spoil(rows: list[list[str]], draw: Draw) -> list[list[str]]:
        row = draw.choice(rows[1:])
        position = draw.randrange(len(row))
        row[position] = change(row[position], draw)
        return rows

    return spoil


def figure(change: Callable[[str, Draw], str]) -> Spoil:
    """Change a number of more than four characters; a shorter number may be a code."""

    def spoil(rows: list[list[str]], draw: Draw) -> list[list[str]]:
        for _ in range(200):
            row = draw.choice(rows[1:])
            positions = [
                position for position, text in enumerate(row) if NUMBER.fullmatch(text) and len(text) > 4
            ]
            if positions:
                position = draw.choice(positions)
                row[position] = change(row[position], draw)
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
    row, other_row = draw.choice(rows[1:]), draw.choice(rows[1:])
    position = draw.randrange(len(row))
    row[position], other_row[position] = other_row[position], row[position]
    return rows


def swap_neighbours(rows: list[list[str]], draw: Draw) -> list[list[str]]:
    row = draw.choice(rows[1:])
    position = draw.randrange(len(row) - 1)
    row[position], row[position + 1] = row[position + 1], row[position]
    return rows


def _drop_column(rows: list[list[str]], position: int, draw: Draw) -> None:
    for row in rows:
        del row[position]


def _add_column(rows: list[list[str]], position: int, draw: Draw) -> None:
    for number, row in enumerate(rows):
        row.insert(position, "Extra" if number == 0 else "1")


def _rename_column(rows: list[list[str]], position: int, draw: Draw) -> None:
    rows[0][position] = draw.choice(
        (rows[0][position].swapcase(), f"{rows[0][position]} ", "Renamed", "", rows[0][0])
    )


def _swap_columns(rows: list[list[str]], position: int, draw: Draw) -> None:
    other = draw.randrange(len(rows[0]))
    for row in rows:
        row[position], row[other] = row[other], row[position]


def _swap_headers(rows: list[list[str]], position: int, draw: Draw) -> None:
    other = draw.randrange(len(rows[0]))
    rows[0][position], rows[0][other] = rows[0][other], rows[0][position]


def _empty_column(rows: list[list[str]], position: int, draw: Draw) -> None:
    for row in rows[1:]:
        row[position] = ""


def _lower_column(rows: list[list[str]], position: int, draw: Draw) -> None:
    for row in rows[1:]:
        row[position] = row[position].swapcase()


def _without_zeroes(rows: list[list[str]], position: int, draw: Draw) -> None:
    """Strip leading zeros from codes, as a spreadsheet does when it saves a file."""
    for row in rows[1:]:
        row[:] = [str(int(text)) if re.fullmatch("0[0-9]+", text) else text for text in row]


def scaled(rows: list[list[str]], draw: Draw) -> list[list[str]]:
    for row in rows[1:]:
        if NUMBER.fullmatch(row[-1]) and "." in row[-1]:
            row[-1] = row[-1].replace(".", "")
    return rows


def replace_digit(text: str, draw: Draw) -> str:
    position = draw.choice([position for position, sign in enumerate(text) if sign.isdigit()])
    return text[:position] + draw.choice("0123456789") + text[position + 1 :]


ROWS: tuple[tuple[str, Spoil], ...] = (
    ("rows dropped", drop_rows),
    ("a row doubled", double_row),
    ("two cells swapped", swap_cells),
    ("a strange cell", cell(lambda text, draw: draw.choice(STRANGE))),
    ("a figure changed", figure(replace_digit)),
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
    ("a sign reversed", figure(lambda text, draw: f"-{text}")),
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
    """Add a byte order mark, or remove it if the table has one."""
    sent = unpacked(form, data)
    mark = b"\xef\xbb\xbf"
    return packed(form, sent.removeprefix(mark) if sent.startswith(mark) else mark + sent), form.has_mark


def reordered(form: Form, data: bytes, draw: Draw) -> tuple[bytes, bool]:
    return in_text(form, data, lambda text: written(shuffle_rows(table(text), draw))), not form.is_ordered


def unpacked(form: Form, data: bytes) -> bytes:
    """Return the first member of an archive, or the bytes if the form has no archive."""
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
    """Pack a table, and further members, into the archive of the form."""
    if not form.packed:
        return data
    out = io.BytesIO()
    members = {name: data, **more}
    if form.packed == "zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for member, content in members.items():
                archive.writestr(zipfile.ZipInfo(member), content, zipfile.ZIP_DEFLATED, 1)
    else:
        with (
            mock.patch("py7zr.py7zr.check_archive_path", return_value=True),  # to write a path with ".."
            py7zr.SevenZipFile(out, "w", filters=[{"id": py7zr.FILTER_COPY}]) as seven,
        ):
            for member, content in members.items():
                seven.writestr(content, member)
    return out.getvalue()


def zip64(data: bytes) -> bytes:
    """Repack a zip's members with zip64 headers, as for a stream of unknown length."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as content,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for info in content.infolist():
            with archive.open(info.filename, "w", force_zip64=True) as member:
                member.write(content.read(info))
    return out.getvalue()


def repacked(method: int) -> Callable[[bytes], bytes]:
    def pack(data: bytes) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as content, zipfile.ZipFile(out, "w", method) as archive:
            for name in content.namelist():
                archive.writestr(zipfile.ZipInfo(name), content.read(name), method)
        return out.getvalue()

    return pack


def archived(form: Form, data: bytes, draw: Draw) -> tuple[str, bytes, bool]:
    """Return the name of a change to the archive around the table, the changed bytes, and whether it is void."""
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
        ("a path with ..", lambda: packed(form, inner, "../table.csv"), False),
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
        for name, content in members.items():
            archive.writestr(name, content)
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

DIGITS = "\ue000"  # prefix of a number's digits while the tree is changed
TOKENS = ("NaN", "Infinity", "1e400", "-0", "00", "1.", "1,234.5", "true", "null", "[]", "{}", '"NA"', '"1"')


def parsed(data: bytes) -> Any:
    return json.loads(data, parse_float=lambda text: DIGITS + text, parse_int=lambda text: DIGITS + text)


def dump_tree(tree: Any, **how: Any) -> bytes:
    text = json.dumps(tree, ensure_ascii=how.pop("ensure_ascii", False), **how)
    return re.sub(
        f'"(?:{DIGITS}|\\\\ue000)((?:[^"\\\\]|\\\\.)*)"', lambda found: unescape(found[1]), text
    ).encode()


def unescape(text: str) -> str:
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
        node = draw.choice(objects)
        change(node, draw.choice(list(node)), draw)
        return tree

    return spoil


def of_figure(change: Callable[[str, Draw], Any]) -> Spoil:
    """Change a number, or a numeric text, of more than four characters."""

    def spoil(tree: Any, draw: Draw) -> Any:
        figures = [
            (part, key)
            for part in parts(tree)
            for key, value in (part.items() if isinstance(part, dict) else enumerate(part))
            if isinstance(value, str) and NUMBER.fullmatch(value.removeprefix(DIGITS)) and len(value) > 5
        ]
        if not figures:
            return [tree]
        part, key = draw.choice(figures)
        part[key] = change(part[key], draw)
        return tree

    return spoil


def _rename(node: dict[str, Any], key: str, draw: Draw) -> None:
    node[draw.choice((key.upper(), f"{key} ", "renamed"))] = node.pop(key)


def _lose(rows: list[Any], draw: Draw) -> None:
    del rows[draw.randrange(len(rows))]


def drop_rows_and_adjust_total(tree: Any, draw: Draw) -> Any:
    """Drop rows, and set the totals of the header to the new count."""
    rows = table_of(tree)
    for _ in range(min(len(rows) - 1, draw.choice((1, 3, len(rows) // 2)))):
        del rows[draw.randrange(len(rows))]
    for part in parts(tree):
        if isinstance(part, dict) and "total" in part:
            part["total"] = f"{DIGITS}{len(rows)}"
    return tree


def in_tree(spoil: Spoil) -> Callable[[Form, bytes, Draw], tuple[bytes, bool]]:
    return lambda form, data, draw: (dump_tree(spoil(parsed(data), draw)), False)


def same_tree(write: Callable[[Any, Draw], bytes]) -> Callable[[Form, bytes, Draw], tuple[bytes, bool]]:
    return lambda form, data, draw: (write(parsed(data), draw), True)


def in_json_order(form: Form, data: bytes, draw: Draw) -> tuple[bytes, bool]:
    tree = parsed(data)
    draw.shuffle(table_of(tree))
    return dump_tree(tree), not form.is_ordered


def reversed_keys(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: reversed_keys(tree[key]) for key in reversed(tree)}
    return [reversed_keys(node) for node in tree] if isinstance(tree, list) else tree


def replaced(make: Callable[[bytes, Draw], bytes]) -> Callable[[Form, bytes, Draw], tuple[bytes, bool]]:
    return lambda form, data, draw: (make(data, draw), False)


JSON: tuple[tuple[str, Callable[[Form, bytes, Draw], tuple[bytes, bool]]], ...] = (
    ("a row lost", in_tree(of_rows(_lose))),
    ("a strange value", in_tree(of_object(lambda node, key, draw: node.update({key: draw.choice(STRANGE)})))),
    ("indented", same_tree(lambda tree, draw: dump_tree(tree, indent=2))),
    ("a key lost", in_tree(of_object(lambda node, key, draw: node.pop(key)))),
    (
        "a figure changed",
        in_tree(of_figure(lambda text, draw: DIGITS + replace_digit(text.strip(DIGITS), draw))),
    ),
    ("a row doubled", in_tree(of_rows(lambda rows, draw: rows.append(draw.choice(rows))))),
    ("a key renamed", in_tree(of_object(_rename))),
    ("rows in another order", in_json_order),
    ("null", in_tree(of_object(lambda node, key, draw: node.update({key: None})))),
    ("rows lost and totals adjusted", in_tree(drop_rows_and_adjust_total)),
    ("a strange figure", in_tree(of_figure(lambda text, draw: draw.choice(STRANGE)))),
    ("another token", in_tree(of_figure(lambda text, draw: DIGITS + json.dumps(draw.choice(TOKENS))[1:-1]))),
    ("a key more", in_tree(of_object(lambda node, key, draw: node.update({"extra": "1"})))),
    ("escaped", same_tree(lambda tree, draw: dump_tree(tree, ensure_ascii=True))),
    (
        "another type",
        in_tree(of_object(lambda node, key, draw: node.update({key: draw.choice(([], {}, True, [1]))}))),
    ),
    ("keys in reverse order", same_tree(lambda tree, draw: dump_tree(reversed_keys(tree)))),
    ("a figure as text", in_tree(of_figure(lambda text, draw: text.strip(DIGITS)))),
    ("a figure with an exponent", in_tree(of_figure(lambda text, draw: f"{text}E+02"))),
    ("a byte order mark before it", lambda form, data, draw: (b"\xef\xbb\xbf" + data, True)),
    ("no rows", in_tree(of_rows(lambda rows, draw: rows.clear()))),
    (
        "a row that is not an object",
        in_tree(of_rows(lambda rows, draw: rows.append(draw.choice((None, "x", [], {}))))),
    ),
    (
        "another case",
        in_tree(of_object(lambda node, key, draw: node.update({key: str(node[key]).swapcase()}))),
    ),
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


# --- web pages with a download link -------------------------------------------------------------------


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
    ("links with ..", in_page(lambda text, draw: re.sub('href="', 'href="../../..', text))),
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


def replace_match(
    pattern: bytes, change: Callable[[re.Match[bytes], Draw], bytes]
) -> Callable[[bytes, Draw], bytes]:
    """Change a random match of a pattern."""

    def spoil(data: bytes, draw: Draw) -> bytes:
        found = list(re.finditer(pattern, data, re.DOTALL))
        if not found:
            return data
        match = draw.choice(found)
        return data[: match.start()] + change(match, draw) + data[match.end() :]

    return spoil


def _value(text: str) -> bytes:
    return f"<v>{text}</v>".replace("&", "&amp;").encode()


VALUE, ROW, CELL, STRING = rb"<v>[^<]*</v>", rb"<row .*?</row>", rb"<c [^>]*>.*?</c>", rb"<t[^>]*>[^<]*</t>"
SAFE_STRANGE = tuple(text for text in STRANGE if not set("<\n") & set(text) and len(text) < 100)
BOOKS: tuple[tuple[str, Callable[[Form, bytes, Draw], tuple[bytes, bool]]], ...] = (
    ("a part missing", in_book(lambda members, draw: members.pop(draw.choice(list(members))))),
    ("a strange value", in_sheet(replace_match(VALUE, lambda found, draw: _value(draw.choice(SAFE_STRANGE))))),
    ("packed again", in_book(lambda members, draw: members.update({"docProps/new.xml": b"<a/>"}), True)),
    ("a digit changed", in_sheet(replace_match(VALUE, lambda found, draw: _value(replace_digit(found[0][3:-4].decode(), draw))))),
    ("a row lost", in_sheet(replace_match(ROW, lambda found, draw: b""))),
    ("a part empty", in_book(lambda members, draw: members.update({draw.choice(list(members)): b""}))),
    ("a cell lost", in_sheet(replace_match(CELL, lambda found, draw: b""))),
    ("a row doubled", in_sheet(replace_match(ROW, lambda found, draw: found[0] * 2))),
    ("zip64", lambda form, data, draw: (zip64(data), True)),
    ("a sheet cut short", in_sheet(cut_short)),
    ("a text changed", in_strings(replace_match(STRING, lambda found, draw: f"<t>{draw.choice(SAFE_STRANGE)}</t>".replace("&", "&amp;").encode()))),
    ("two sheets swapped", in_book(lambda members, draw: _swap_parts(members, draw))),
    ("zip64 cut short", lambda form, data, draw: (cut_end(zip64(data), draw), False)),
    ("another type of cell", in_sheet(replace_match(rb' t="s"', lambda found, draw: draw.choice((b' t="e"', b' t="b"', b' t="q"', b""))))),
    ("an error cell", in_sheet(replace_match(CELL, lambda found, draw: re.sub(rb"<c ([^>]*?)( t=\"\w+\")?>.*", rb'<c \1 t="e"><v>#REF!</v></c>', found[0])))),
    ("a formula alone", in_sheet(replace_match(VALUE, lambda found, draw: b"<f>SUM(A1:A9)</f>"))),
    ("a cell reference changed", in_sheet(replace_match(rb' r="[A-Z]+[0-9]+"', lambda found, draw: draw.choice((b' r="XFE1"', b' r="A1"', b' r="?"', b""))))),
    ("a part replaced by a web page", in_book(lambda members, draw: members.update({draw.choice(list(members)): HTML}))),
    ("a table inside", lambda form, data, draw: (zip_of({"xl/workbook.xml": b"a,b\n1,2\n", "[Content_Types].xml": b""}), False)),
    ("a sheet renamed", in_book(lambda members, draw: members.update({"xl/workbook.xml": replace_match(rb'<sheet name="[^"]*"', lambda found, draw: b'<sheet name="Sheet1"')(members["xl/workbook.xml"], draw)}))),
    ("a bit flipped in a part", in_sheet(flip)),
    ("an entity", in_book(lambda members, draw: members.update({"xl/workbook.xml": b'<!DOCTYPE x [<!ENTITY a "b">]>' + re.sub(rb"^<\?xml.*?\?>", b"", members["xl/workbook.xml"])}))),
    ("stored", lambda form, data, draw: (repacked(zipfile.ZIP_STORED)(data), True)),
    ("bzip2", lambda form, data, draw: (repacked(zipfile.ZIP_BZIP2)(data), False)),
    ("a sheet in UTF-16", in_sheet(lambda data, draw: re.sub("encoding=.UTF-8.", 'encoding="UTF-16"', data.decode("utf-8")).encode("utf-16"))),
    ("an unknown encoding", in_sheet(lambda data, draw: data.replace(b"UTF-8", b"EBCDIC-9", 1))),
    ("a row's number", in_sheet(replace_match(rb'<row r="[0-9]+"', lambda found, draw: b'<row r="' + draw.choice((b"1", b"0", b"-1", b"1048577", b"x")) + b'"'))),
)  # fmt: skip


def _swap_parts(members: dict[str, bytes], draw: Draw) -> None:
    part, other_part = _part(members, draw), _part(members, draw)
    members[part], members[other_part] = members[other_part], members[part]


# --- Stata files --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stata:
    """A Stata file of releases 8 to 12: the bytes before the rows, the rows, the bytes after them."""

    head: bytes
    layout: str
    names: tuple[str, ...]
    rows: tuple[bytes, ...]
    tail: bytes

    @property
    def data(self) -> bytes:
        """Return the bytes of the file, with the number of rows in its header."""
        return (
            self.head[:6]
            + struct.pack("<i", len(self.rows))
            + self.head[10:]
            + b"".join(self.rows)
            + self.tail
        )


def stata(data: bytes) -> Stata:
    """Parse a little-endian file by the published layout of the format."""
    if data[0] not in (113, 114, 115) or data[1] != 2:
        raise ValueError(f"release {data[0]}, byte order {data[1]}")
    count, rows = struct.unpack("<hi", data[4:10])
    types = data[109 : 109 + count]
    layout = "<" + "".join({251: "b", 252: "h", 253: "i", 254: "f", 255: "d"}[code] for code in types)
    offset = 109 + count
    names = tuple(
        data[offset + 33 * n : offset + 33 * (n + 1)].split(b"\0")[0].decode() for n in range(count)
    )
    offset += 33 * count + 2 * (count + 1) + (12 if data[0] == 113 else 49) * count + 33 * count + 81 * count
    while True:
        kind, size = struct.unpack("<bi", data[offset : offset + 5])
        offset += 5 + size
        if kind == 0:
            break
    width = struct.calcsize(layout)
    end = offset + rows * width
    if len(data) < end:
        raise ValueError("fewer rows than announced")
    cells = tuple(data[at : at + width] for at in range(offset, end, width))
    return Stata(data[:offset], layout, names, cells, data[end:])


def in_stata(change: Callable[[list[bytes], str, Draw], list[bytes]], is_void: bool = False) -> Any:
    def spoil(form: Form, data: bytes, draw: Draw) -> tuple[bytes, bool]:
        parsed_file = stata(data)
        rows = change(list(parsed_file.rows), parsed_file.layout, draw)
        return Stata(
            parsed_file.head, parsed_file.layout, parsed_file.names, tuple(rows), parsed_file.tail
        ).data, is_void

    return spoil


def number_of(kinds: str, choose: Callable[[Draw], float]) -> Any:
    def change(rows: list[bytes], layout: str, draw: Draw) -> list[bytes]:
        at = draw.randrange(len(rows))
        cells = list(struct.unpack(layout, rows[at]))
        column = draw.choice([n for n, kind in enumerate(layout[1:]) if kind in kinds])
        cells[column] = choose(draw)
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
