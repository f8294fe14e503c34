"""Write the files of a figure: its rows for the page, its CSV and its metadata.

A page opened from disk may load scripts and nothing else, so the rows come as a script that calls `STW.add`.
The CSV file begins with a byte order mark: without it Excel does not read Chinese.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from warehouse.site.model import LANGUAGES, Drawn, Language, Row, SiteInput


def json_value(value: object) -> object:
    """Return a value of a row as JSON has it: dates as ISO texts, decimals as numbers."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def _shortened(value: object) -> object:
    """Return a value of a row for the page: a number with 13 digits, more are those of the arithmetic."""
    return float(f"{value:.13g}") if isinstance(value, float | Decimal) else value


def write_script(path: Path, name: str, payload: Mapping[str, Any]) -> None:
    """Write a payload as a script that hands it to the page under a name."""
    if "rows" in payload:
        payload = {**payload, "rows": [[_shortened(value) for value in row] for row in payload["rows"]]}
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=json_value)
    # "</script" would end an inline script, and the two separators a line of older JavaScript.
    text = text.replace("</", "<\\/").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    path.write_text(f"STW.add({json.dumps(name)},{text});\n", encoding="utf-8")


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Write rows as CSV for spreadsheets: UTF-8 with a byte order mark, empty for null."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([["" if value is None else json_value(value) for value in row] for row in rows])
    path.write_bytes(b"\xef\xbb\xbf" + out.getvalue().encode())


def citation(drawn: Drawn, site: SiteInput, language: Language) -> str:
    """Return the citation of a figure as text."""
    named = "; ".join(
        f"{one.publisher_zh if language == 'zh' else one.publisher}, {one.title.of(language)}, "
        f"{', '.join(one.vintages)}"
        for one in drawn.origins
    )
    name = {"en": "Services Trade Warehouse, release", "zh": "服务贸易数据仓库，发布版本"}[language]
    return f"{drawn.title.of(language)}. {name} {site.release} ({site.as_of}). {named}."


def bibtex(drawn: Drawn, site: SiteInput) -> str:
    """Return the citation of a figure as a BibTeX entry."""
    named = "; ".join(f"{one.publisher}: {one.title.en} ({', '.join(one.vintages)})" for one in drawn.origins)
    fields = {
        "title": drawn.title.en,
        "author": "{Services Trade Warehouse}",
        "year": str(site.built_at.year),
        "version": site.release,
        "note": f"Data as of {site.as_of}. Sources: {named}",
    }
    body = ",\n".join(f"  {key} = {{{_escaped(value)}}}" for key, value in fields.items())
    return f"@misc{{stw-{site.release}-{drawn.figure.id.replace('_', '-')},\n{body}\n}}"


def _escaped(value: str) -> str:
    """Return a text with the characters that BibTeX reads as commands escaped."""
    for character in "&%_#$":
        value = value.replace(character, f"\\{character}")
    return value


def metadata_of(drawn: Drawn, site: SiteInput, comments: Mapping[str, str]) -> dict[str, Any]:
    """Return what the metadata file of a figure says; `comments` are the meanings of columns."""
    return {
        "id": drawn.figure.id,
        "title": drawn.title.model_dump(),
        "unit": drawn.figure.unit.model_dump(),
        "note": drawn.note.model_dump() if drawn.note else None,
        "release": site.release,
        "as_of": site.as_of.isoformat(),
        "rows": len(drawn.rows),
        "columns": {name: comments.get(name, "") for name in drawn.columns},
        "query": drawn.query,
        "sources": [one.model_dump(mode="json") for one in drawn.origins],
        "citation": {one: citation(drawn, site, one) for one in LANGUAGES},
        "bibtex": bibtex(drawn, site),
        "csv": f"{drawn.figure.id}.csv",
    }


def write_figure(folder: Path, drawn: Drawn, site: SiteInput, comments: Mapping[str, str]) -> None:
    """Write the script, the CSV file and the metadata file of a figure to a folder."""
    metadata = metadata_of(drawn, site, comments)
    payload = {
        key: metadata[key] for key in ("title", "unit", "note", "release", "sources", "citation", "bibtex")
    } | {
        "columns": drawn.columns,
        "rows": drawn.rows,
        "specs": drawn.specs,
        "below": drawn.figure.below,
    }
    name = drawn.figure.id
    write_script(folder / f"{name}.js", name, payload)
    write_csv(folder / f"{name}.csv", drawn.columns, drawn.rows)
    text = json.dumps(metadata, ensure_ascii=False, indent=1)
    (folder / f"{name}.metadata.json").write_text(text + "\n", encoding="utf-8")
