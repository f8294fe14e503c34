"""Records that several packages share: a source, its requests, the answers, a vintage, a poll, a decision.

The life of a load::

    plan = source.plan()                # a generator: yields Request, receives the Path of the answer
    files = fetch(source, ...)          # fetch/: files and fetched.json in an incoming directory
    batches = source.read(files, work, note)  # Arrow batches of text: source.columns, _file, _row
    evaluation = evaluate(...)          # landing/: rows.parquet, compared with the last vintage, validated
    vintage = land(evaluation, ...)     # landing/: files, rows and manifest.json under the vintage's id
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from warehouse.arrow import pa
from warehouse.errors import SourceError

MEBIBYTE = 1024 * 1024
KEY_MASK = "***"  # in place of a publisher's key: in a plan, in addresses and in stored answers


@dataclass(frozen=True)
class Contract:
    """What a reader requires of a table, and what it tolerates.

    `read` maps each column header, or key of a JSON object, to its raw column. `spellings` maps other
    accepted texts of a header to one in `read`. `optional` lists headers of `read` that may be absent: their
    raw column is then null. `ignored` lists headers that are known and not read; every further header is
    drift. `unknown_codes` says what happens to rows with an economy, item or status that no seed lists:
    `hold`, they are landed and held out of the facts; `reject`, the load is rejected. `max_held_share` is the
    share of rows (0 to 1) beyond which a load is rejected all the same.
    """

    read: Mapping[str, str]
    spellings: Mapping[str, str] = field(default_factory=dict)
    optional: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    unknown_codes: Literal["hold", "reject"] = "hold"
    max_held_share: float = 0.2

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the raw columns in order."""
        return tuple(self.read.values())


class Drift(BaseModel):
    """A difference from a source's contract that changes no figure: a further column, key, sheet or file."""

    model_config = ConfigDict(frozen=True)

    file: str
    detail: str


class Note(Protocol):
    """Records what a reader met and went on from. Equal notes of one load are recorded once."""

    def __call__(self, file: str, detail: str, *, failed_part: str = "") -> None:
        """Record a drift in a file, or with `failed_part` why that part (a sheet) was not read."""


def no_note(file: str, detail: str, *, failed_part: str = "") -> None:
    """Record nothing, for a caller that does not report drift; raise SourceError for a failed part."""
    if failed_part:
        raise SourceError("reader", detail, file=file)


@dataclass(frozen=True)
class Request:
    """One request to a publisher, a GET or a POST that only queries.

    `name` is the file's name inside the vintage, unique within a pull. `kind` is what the answer must be by
    its bytes: csv, dta, html, json, xlsx, zip, 7z or "csv or zip". `body` is what a POST sends. A `curated:`
    address is answered from the folder of curated figures. A parameter with the value `KEY_MASK` is sent with
    the source's key.
    """

    name: str
    url: str
    kind: str
    params: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    max_bytes: int = 64 * MEBIBYTE
    method: str = "GET"
    body: bytes = b""

    @property
    def address(self) -> str:
        """Return the whole address with its parameters, as it is sent.

        The address of a POST ends in `#` and the SHA-256 of its body, so that manifests and the index of a
        mirror distinguish requests to one address; HTTP never sends the part after `#`.
        """
        url = f"{self.url}?{urlencode(self.params, safe='*')}" if self.params else self.url
        return f"{url}#{hashlib.sha256(self.body).hexdigest()}" if self.method == "POST" else url


class Fetched(BaseModel):
    """One answer to a request: its address, time and checksum.

    `retrieved_at` is when the bytes left the publisher, in UTC: now for a live request, the recorded time
    for a mirror that states one. `via` is the mirror's name, or "publisher". `part` is the part of the plan
    that requested it. `carried_from` is the vintage whose answer was used again because its part failed.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    address: str
    sha256: str
    size_bytes: int
    retrieved_at: datetime
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    via: str
    part: str | None = None
    carried_from: str | None = None


class FailedPart(BaseModel):
    """A part of a pull that failed. Its rows are those of vintage `carried_from`; None: it has no rows."""

    model_config = ConfigDict(frozen=True)

    part: str
    reason: str
    carried_from: str | None


class Decision(BaseModel):
    """An operator's decision about a load or a vintage, and what it was about."""

    model_config = ConfigDict(frozen=True)

    # The second names are those of records written before 0.2.
    actor: str = Field(validation_alias=AliasChoices("actor", "by"))
    at: datetime
    reason: str = Field(validation_alias=AliasChoices("reason", "why"))
    subject: str = Field(validation_alias=AliasChoices("subject", "about"))


class Vintage(BaseModel):
    """One complete, accepted load of a source: the content of its manifest.json, and its directory.

    `id` is the day of retrieval, `2024-07-12`, with `.02` and on for later loads of one day. Ids of a source
    only grow, so their order as text is their order in time. `pull` is the name of the incoming directory.
    `rows_digest` is the digest of the parsed rows without their order and lineage: equal digests, equal rows.
    `drift` lists differences from the contract that change no figure, `failed_parts` the parts of the pull
    whose rows are older. `overruled` is set when an operator accepted the load over the load gate,
    `backfilled` when it came by a backfill. `withdrawn` is the decision of an operator that took it out of
    force; it is stored beside the manifest.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    source: str
    id: str = Field(alias="vintage")
    title: str
    publisher: str
    homepage: str
    licence: str
    retrieved_at: datetime
    landed_at: datetime
    previous_vintage: str | None
    pull: str
    reader_version: int
    row_count: int
    rows_digest: str
    rows_sha256: str
    files: tuple[Fetched, ...]
    validation: dict[str, Any]
    drift: tuple[Drift, ...] = ()
    failed_parts: tuple[FailedPart, ...] = ()
    overruled: Decision | None = None
    backfilled: Decision | None = None
    directory: Path = Field(default=Path(), exclude=True)
    withdrawn: Decision | None = Field(default=None, exclude=True)

    @property
    def day(self) -> date:
        """Return the day on which the figures became known."""
        return date.fromisoformat(self.id[:10])

    @property
    def rows_path(self) -> Path:
        """Return the Parquet file of the parsed rows."""
        return self.directory / "rows.parquet"


Outcome = Literal["accepted", "unchanged", "rejected", "failed", "not configured"]


class Check(BaseModel):
    """One poll of a source and its outcome.

    `polled_at` is our clock. `checked_at` is when the answer left the publisher: the same for a live poll,
    the recorded time for a mirror's. The order of the log, and not a clock, gives the last poll.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    polled_at: datetime = Field(validation_alias=AliasChoices("polled_at", "looked_at"))
    checked_at: datetime
    outcome: Outcome
    vintage: str | None
    detail: str
    drift: tuple[Drift, ...] = ()
    failed_parts: tuple[FailedPart, ...] = ()


@dataclass(frozen=True)
class Part:
    """Requests of a plan that may fail without the rest: an indicator, a province.

    When one of them fails, the answers of the last vintage to this part are used, and the failure is
    reported.
    """

    name: str
    plan: Generator[Request, Path, None]


Plan = Generator[Request | Part, Path, None]


class Reader(Protocol):
    """Reads the files of a load into batches of text; see `Source`."""

    def __call__(self, files: Mapping[str, Path], work: Path, note: Note = ...) -> Iterator[pa.RecordBatch]:
        """Yield the rows."""


class PlanFunction(Protocol):
    """Returns the requests of one pull. A failed request outside a `Part` raises its error at its `yield`."""

    def __call__(self) -> Plan:
        """Return a generator that yields requests, and parts, and receives the path of each answer."""


def first_request(plan: Plan) -> Request:
    """Return the first request of a plan."""
    first = next(plan)
    return next(first.plan) if isinstance(first, Part) else first


@dataclass(frozen=True)
class Source:
    """One publisher table: facts, the requests it takes, and a reader.

    `name` is the name of the module in `warehouse/sources/`, and gives the staging model `stg_<name>`, the
    suite `expectations/raw.<name>.yml` and the fixtures `tests/fixtures/<name>/`. `columns` are the raw
    columns, all text or null. The reader adds `_file`, the name of a fetched file, followed by `#` and a
    location where a row number is not enough (`bop.xlsx#sheet!BV26`), and `_row`, the row number as a person
    who opens the file counts it; the two together are unique. `key` are the columns that identify a row.
    `read(files, work, note)` yields record batches of `raw_schema(columns)`; `work` is a scratch directory,
    `note` records drift from `contract`, and a part of a file that was not read: its location is the text
    between `#` and `!` in `_file`, and the rows of the last vintage at this location are used again.
    `contract_text` says in sentences what `contract` cannot: what is read of a form that is no table with a
    header. `evidenced` says when, and by what, address and layout were last seen to be as this module has
    them.
    Raise `reader_version` when the reader's output changes: older vintages are then parsed again.
    `schedule` is a cron expression in UTC. `key_variable` is the environment variable with the key that the
    publisher asks for: while it is not set, and no mirror answers, the source is not configured.
    """

    name: str
    title: str
    publisher: str
    table: str
    homepage: str
    licence: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    plan: PlanFunction
    read: Reader
    contract: Contract | None = None
    contract_text: str = ""
    evidenced: str = "never"
    reader_version: int = 1
    schedule: str = "0 3 * * *"
    seconds_between_calls: float = 0.5
    key_variable: str | None = None


def raw_schema(columns: tuple[str, ...]) -> pa.Schema:
    """Return the Arrow schema of parsed rows: every column text, then `_file` and `_row`."""
    return pa.schema(
        [(name, pa.string()) for name in columns] + [("_file", pa.string()), ("_row", pa.int64())]
    )
