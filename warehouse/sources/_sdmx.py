"""Tables that are served as SDMX-CSV: a source is a declaration of its address, dimensions and codes.

The answer is one file with a row for each observation: a column for each dimension, the period, the value and
the attributes, by header, in any order. `warehouse/formats/sdmx.py` describes versions, labels, and the forms
of periods and values. Every value stays as sent. `_row` is the number of the record in the file, the header
being 1.

Raises SourceError as the format does, and for a dimension with a code that was not requested. The expectation
suite checks economies, items, periods, and duplicate keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from warehouse.arrow import pa
from warehouse.errors import SourceError
from warehouse.formats.columns import require_one_of
from warehouse.formats.sdmx import PERIOD, VALUE, read_sdmx_csv
from warehouse.model import MEBIBYTE, Contract, Note, Plan, Request, Source, no_note


@dataclass(frozen=True)
class SdmxTable:
    """The request for a table by SDMX, and the columns of its answer.

    `flow` is agency and id of the dataflow. `url`, `params` and `headers` make the request; `file` is the
    name of the answer. `dimensions` and `attributes` map SDMX ids to raw columns; an attribute may be absent.
    `expected` lists for a raw column every code that it may have, which is what was requested. `ignored` are
    attributes that are known and not read.
    """

    source: str
    flow: str
    url: str
    file: str
    dimensions: Mapping[str, str]
    attributes: Mapping[str, str]
    expected: tuple[tuple[str, tuple[str, ...]], ...] = ()
    ignored: tuple[str, ...] = ()
    params: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = field(default=())
    max_bytes: int = 256 * MEBIBYTE

    @property
    def contract(self) -> Contract:
        """Return what the reader requires of the answer."""
        read = {**self.dimensions, PERIOD: "time_period", VALUE: "obs_value", **self.attributes}
        return Contract(read=read, optional=tuple(self.attributes), ignored=self.ignored)

    @property
    def key(self) -> tuple[str, ...]:
        """Return the raw columns that identify a row."""
        return (*self.dimensions.values(), "time_period")


def source_of(
    table: SdmxTable,
    *,
    title: str,
    publisher: str,
    homepage: str,
    licence: str,
    evidenced: str,
    name_of_table: str | None = None,
) -> Source:
    """Return the source of a table; its dimensions and the period identify a row.

    `name_of_table` is what the publisher calls the table, where that is not the dataflow.
    """
    return Source(
        name=table.source,
        title=title,
        publisher=publisher,
        table=name_of_table or table.flow,
        homepage=homepage,
        licence=licence,
        evidenced=evidenced,
        columns=table.contract.columns,
        key=table.key,
        plan=partial(plan, table),
        read=partial(read, table),
        contract=table.contract,
    )


def plan(table: SdmxTable) -> Plan:
    """Request the table."""
    yield Request(
        name=table.file,
        url=table.url,
        kind="csv",
        params=table.params,
        headers=table.headers,
        max_bytes=table.max_bytes,
    )


def read(
    table: SdmxTable, files: Mapping[str, Path], work: Path, note: Note = no_note
) -> Iterator[pa.RecordBatch]:
    """Yield the observations of the table.

    Raises SourceError with file and row as the module says.
    """
    if list(files) != [table.file]:
        found = ", ".join(files) or "none"
        raise SourceError(table.source, f"expected the one file {table.file}, got {found}")
    for rows in read_sdmx_csv(
        files[table.file],
        table.contract,
        source=table.source,
        file=table.file,
        flow=table.flow,
        note=note,
    ):
        for column, codes in table.expected:
            require_one_of(rows, column, codes, "a code that was not requested", source=table.source)
        yield rows
