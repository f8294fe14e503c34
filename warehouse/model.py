"""The contract between a publisher's table and the steps that move it.

Keeps: what a source *is* (`Source`), what it asks for (`Request`), what came back (`Fetched`), one
complete pull of it (`Vintage`), and the one error that names source, address, row and remedy.

Refuses: network, database, paths of its own. A `Source` is a frozen value made of facts and two
functions, `plan` and `read`; there is nothing to subclass.

The life of a pull::

    plan = source.plan()              # a generator: yields Request, is sent the Path of the answer
    files = fetch(plan)               # fetch.py: files and fetched.json in a work directory
    batches = source.read(files, work)  # Arrow batches of text: source.columns + _file + _row
    ... landing.py writes rows.parquet, compares with the last vintage; quality/ validates it ...
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from urllib.parse import urlencode

import pyarrow as pa

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Request:
    """One question to a publisher, a GET or a POST that only asks.

    `name` is the file's name inside the vintage, unique within a pull. `kind` is what the answer must
    be, judged on its bytes and not on its header: csv, html, json, xlsx, zip or 7z. `body` is what a POST
    sends. A `recorded_only` request is for an interface that the publisher has closed: only a mirror answers
    it; a live pull, or a mirror without it, passes over it, and the path sent to the plan is then not there.
    A `curated:` address is answered by the warehouse's own folder of figures.
    """

    name: str
    url: str
    kind: str
    params: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    max_bytes: int = 64 * MEBIBYTE
    method: str = "GET"
    body: bytes = b""
    recorded_only: bool = False

    @property
    def address(self) -> str:
        """Spell the whole address, parameters included, as it goes over the wire.

        Behind the address of a POST stand `#` and the SHA-256 of its body, so that questions to one address
        can be told apart in manifests and in a mirror's index; HTTP never sends what follows a `#`.
        """
        spelled = f"{self.url}?{urlencode(self.params)}" if self.params else self.url
        return f"{spelled}#{hashlib.sha256(self.body).hexdigest()}" if self.method == "POST" else spelled


@dataclass(frozen=True)
class Fetched:
    """One answered request: where it came from, when, and what its bytes were.

    `retrieved_at` is when the bytes left the publisher, in UTC: now for a live pull, the recorded time
    for a mirror that states one. `via` is the mirror's name, or "publisher".
    """

    name: str
    address: str
    sha256: str
    size_bytes: int
    retrieved_at: datetime
    content_type: str | None
    etag: str | None
    last_modified: str | None
    via: str


@dataclass(frozen=True)
class Ruling:
    """A person's decision about a vintage: who took it, when, and why. `about` is what was decided on."""

    by: str
    at: datetime
    why: str
    about: str


@dataclass(frozen=True)
class Vintage:
    """One complete, accepted pull of a source, as its manifest states it.

    `id` is the day of retrieval, `2024-07-12`, with `.02` and on for later pulls of one day; ids of a
    source only ever grow, so sorting them as text is sorting them in time. `rows_digest` is the digest
    of the parsed rows without their order and lineage: equal digests are equal news. `overruled` is there
    when the gate refused the rows and an operator accepted them, `backfilled` when it came by a backfill.
    """

    source: str
    id: str
    retrieved_at: datetime
    landed_at: datetime
    directory: Path
    files: tuple[Fetched, ...]
    row_count: int
    rows_digest: str
    reader_version: int
    overruled: Ruling | None = None
    backfilled: Ruling | None = None

    @property
    def day(self) -> date:
        """Return the day on which the figures became known to us."""
        return date.fromisoformat(self.id[:10])

    @property
    def rows_path(self) -> Path:
        """Return the Parquet file of the parsed rows."""
        return self.directory / "rows.parquet"


Plan = Generator[Request, Path, None]
Reader = Callable[[Mapping[str, Path], Path], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class Source:
    """One publisher table: facts, the requests it takes, and a reader.

    `name` is the module's name in `warehouse/sources/`, and names the staging model `stg_<name>`, the
    suite `expectations/raw.<name>.yml` and the fixtures `tests/fixtures/<name>/`.
    `columns` are the raw columns, all text or null; the reader adds `_file`, the name of a fetched file, with
    the place in it behind a `#` where a row number does not say enough (`bop.xlsx#sheet!BV26`), and `_row`,
    the row as a person who opens it would count. The two are unique. `key` are the columns that no two rows
    may share.
    `read(files, work)` yields record batches of `raw_schema(source)`; `work` is a scratch directory.
    Raise `reader_version` when the reader's output changes, so that older vintages are read anew.
    """

    name: str
    title: str
    publisher: str
    table: str
    homepage: str
    licence: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    plan: Callable[[], Plan]
    read: Reader
    reader_version: int = 1
    schedule: str = "0 3 * * *"
    seconds_between_calls: float = 0.5


def raw_schema(columns: tuple[str, ...]) -> pa.Schema:
    """Return the Arrow schema of parsed rows: every column text, then `_file` and `_row`."""
    return pa.schema(
        [(name, pa.string()) for name in columns] + [("_file", pa.string()), ("_row", pa.int64())]
    )
