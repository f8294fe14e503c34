"""Curated figures: a folder of CSV files that analysts add to, one figure in each row with its page.

They are figures that no table states: categories, regions and partners from releases, speeches and
communiqués. `curated://` lists the files of the folder, `curated://<file>` is one of them. A file is UTF-8 (a
byte order mark is optional) with commas and a header; empty rows are ignored. `_row` is the number of the
record, the header being 1.

Columns: `period` (2021, 2021-Q3, 2021-08, a span 2018-01/2018-07, also written 2018-01..2018-07, or
2016/2020; 2023-01/2023-12 is the year 2023); `area` as the page names it; `area_type`, one of AREA_TYPES;
`measure` (trade, growth over the same period of the previous year, share of the total); `service`; `flow`;
`value`; `unit`, of seeds/curated_unit.csv; `currency`, one of those that seeds/curated_area.csv has for the
area; `page`; `excerpt` (optional); `status`; `note` (optional).

`area_type` states whose trade with whom the figure is. economy: its trade with the world. partner_economy,
partner_group: China's trade with them. mirror_economy, mirror_group: their own figure of their trade with
China, with their flow. region, province, city, pilot_areas, province x partner: parts of China. With the
suffix "(category)" the figure is a part of services trade and not its total.

`service` is `bpm5_commercial_services` where a page counts by the fifth manual, without government services,
as MOFCOM did until 2012. That total is no S: for China even the sign of its balance differs in five years.

`status`: stated (the page states the figure), unverified (no address, a repost, or not checked again),
contradicted (another page states another figure; not in the facts), undated (the page does not state the
period, and `period` is the date of the statement; not in the facts).

A page that does not print the exact figure: `printed: <word>` in the note, with rounded, about, more than or
less than, as `printed: more than; "over 5 trillion"`. The tables then have the status `stated, more than`.

Each file is a part of the pull: a file in which `examine` finds a problem fails alone, and its figures of
the last vintage are used. A figure that is far from its neighbours (`_curated_plausible`) lands and is held
out of the tables until it is corrected, or confirmed by `checked: <reason>` in its note. The tables then have
the status `stated, checked`, and the release gate does not compare it with other sources, the economy of its
region or the current release.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, MutableMapping
from pathlib import Path

from warehouse.arrow import pa
from warehouse.errors import SourceError
from warehouse.formats.json import read_json
from warehouse.model import MEBIBYTE, Note, Part, Plan, Request, Source, no_note, raw_schema
from warehouse.sources._curated_plausible import implausible
from warehouse.sources._curated_rules import COLUMNS, KEY, Problem, Vocabulary, examine, read_vocabulary

NAME = "curated"
ADDRESS = "curated://"
LISTING = "files.json"
RAW_COLUMNS = (*COLUMNS, "implausible")
_FILE = re.compile(r"[A-Za-z0-9_-]+\.csv")
CONTRACT_TEXT = f"""\
The header is exactly {", ".join(f"`{name}`" for name in COLUMNS)}, in this order.
A file with a further, missing or renamed column fails alone, and so does one with a row of more values. Empty
rows, and columns without a value behind the last one, are ignored. The raw column `implausible` is the
reader's.

A figure with an area or service that no seed has is held out of the facts; more than 20 % of such rows reject
the load. Another `unit`, `measure`, `flow`, `status`, area type or form of a period fails the file."""


def plan() -> Plan:
    """Request the listing of the folder, then each file in it; a file with a problem fails alone."""
    listing = yield Request(name=LISTING, url=ADDRESS, kind="json")
    vocabulary = read_vocabulary()
    seen: dict[tuple[str, ...], str] = {}
    for name in file_names(listing):
        yield Part(name, _one_file(name, vocabulary, seen))


def _one_file(
    name: str, vocabulary: Vocabulary, seen: MutableMapping[tuple[str, ...], str]
) -> Generator[Request, Path, None]:
    """Request a file; raise SourceError if it has a problem, so that the other files are read without it."""
    path = yield Request(name=name, url=f"{ADDRESS}{name}", kind="csv", max_bytes=16 * MEBIBYTE)
    keys = dict(seen)
    _, problems = examine(path, vocabulary, keys)
    _raise_first(name, problems)
    seen.update(keys)


def _raise_first(name: str, problems: list[Problem]) -> None:
    """Raise SourceError with the first problem of a file, if there is one."""
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise SourceError(
            NAME,
            f"{problems[0]}{more}",
            file=name,
            remedy=f"Correct the file; list all problems with: warehouse curated check {name}",
        )


def file_names(listing: Path) -> list[str]:
    """Return the file names in a listing.

    Raises SourceError if there are none, or if one is not a plain name of a CSV file.
    """
    names = read_json(listing, source=NAME, file=LISTING, address=ADDRESS)
    if not isinstance(names, list) or not names:
        raise SourceError(
            NAME,
            "the folder of curated figures has no CSV file",
            address=ADDRESS,
            remedy="Set WAREHOUSE_CURATED to a folder with CSV files; see `warehouse curated template`",
        )
    found: list[str] = []
    for name in names:
        if not isinstance(name, str) or not _FILE.fullmatch(name):
            raise SourceError(
                NAME,
                f"the file name {name!r} is not letters, digits, - and _ followed by .csv",
                address=ADDRESS,
                remedy="Rename the file",
            )
        if name.casefold() in {one.casefold() for one in found}:
            raise SourceError(
                NAME, f"the file {name!r} is listed twice", address=ADDRESS, remedy="Rename one of the files"
            )
        found.append(str(name))
    return found


def read(files: Mapping[str, Path], work: Path, note: Note = no_note) -> Iterator[pa.RecordBatch]:
    """Yield one batch for each file. Raises SourceError with the first problem of a file.

    The column `implausible` has the reason why a figure is held out until it is corrected or confirmed.
    """
    names = [name for name in files if name != LISTING]
    if not names:
        raise SourceError(NAME, "the pull has no files")
    rows_by_file: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for name in names:
        rows_by_file[name], problems = examine(files[name])
        _raise_first(name, problems)
    doubts = implausible(rows_by_file, read_vocabulary().units)
    for name, rows in rows_by_file.items():
        columns = [pa.array([row[column] or None for _, row in rows], pa.string()) for column in COLUMNS]
        reasons = [doubts.get((name, n)) for n, _ in rows]
        columns.append(pa.array([one.reason if one else None for one in reasons], pa.string()))
        lineage = [
            pa.repeat(pa.scalar(name, pa.string()), len(rows)),
            pa.array([n for n, _ in rows], pa.int64()),
        ]
        yield pa.record_batch([*columns, *lineage], schema=raw_schema(RAW_COLUMNS))


SOURCE = Source(
    name=NAME,
    title="Figures of releases, speeches and communiqués, entered by hand",
    publisher="Various, each row names its page",
    table="warehouse/curated",
    homepage="https://www.mofcom.gov.cn",
    licence="Single figures, quoted with their page",
    evidenced="the project's own folder",
    contract_text=CONTRACT_TEXT,
    columns=RAW_COLUMNS,
    key=KEY,
    plan=plan,
    read=read,
    reader_version=2,
    seconds_between_calls=0.0,
)
