"""Expectation suites: YAML files `<schema>.<table>.yml`, one for each table that a gate validates.

The file name binds the suite to its table. The file holds one list:

    expectations:
      - name: entries are known                 # unique in the file
        why: Exports are credits and imports debits.
        query: |                                # rows that should not exist, as one column `finding`
          select 'unknown entry ' || entry || ' ' || row_refs(_file, _row) as finding
          from {batch}
          where entry not in ('credit', 'debit')
          group by entry
      - name: there are rows
        why: An empty answer would replace all known rows.
        type: expect_table_row_count_to_be_between    # any expectation of Great Expectations
        kwargs:
          min_value: 1

`is_form: true` marks an expectation that no operator can overrule: without it, staging fails.

`by_source: true` marks a query of the release gate that compares no sources: what it finds of a source
depends on rows of the same source alone, in each table that has a column `source`. It is run on the rows of
the sources that changed since the current release. `reads_sources` names the sources that a query reads of a
table, where these are not all: rows of others do not change its result.

      - name: values in dollars are converted by the rate of the period
        why: Rates are those of the IMF.
        reads_sources: {core.fct_indicator: [imf_exchange_rates]}
        query: …

`{batch}` is replaced by the validated table. `warehouse.quality.database` lists the other tables and the
macros that a query can use.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from warehouse.errors import WarehouseError

SCHEMAS = ("raw", "core", "marts")
QUERY_TYPE = "unexpected_rows_expectation"
QUERY_KWARG = "unexpected_rows_query"
FORMS = (
    "name, why and query, or name, why, type and kwargs, and may have `is_form: true`; one with a query may "
    "have `by_source: true` and `reads_sources`"
)


class Expectation(BaseModel, frozen=True, extra="forbid", strict=True):
    """One expectation as written: a query, or a type of Great Expectations with its arguments.

    `is_form` marks an expectation on the form of a table, such as its columns or its key: a load that does
    not meet it has no rows that a build could use, so no operator can accept it. `by_source` marks a query
    whose rows of a source depend on the same source alone; `reads_sources` has the sources that it reads of
    some tables.
    """

    name: str = Field(pattern=r"\S")
    why: str = Field(pattern=r"\S")
    is_form: bool = False
    by_source: bool = False
    reads_sources: dict[str, list[str]] = Field(default_factory=dict)
    query: str | None = Field(default=None, pattern=r"\S")
    type: str = QUERY_TYPE
    kwargs: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_one_form(self) -> Expectation:
        """Reject a query beside type and kwargs, and an expectation with neither."""
        expected = {"query"} if self.query is not None else {"type", "kwargs"}
        optional = {"is_form"} if self.query is None else {"is_form", "by_source", "reads_sources"}
        if self.model_fields_set - optional != {"name", "why", *expected}:
            raise ValueError(f"it must have exactly {FORMS}")
        return self

    def configuration(self) -> dict[str, Any]:
        """Return the expectation as Great Expectations' own configuration."""
        kwargs = self.kwargs if self.query is None else {QUERY_KWARG: self.query}
        return {"type": self.type, "kwargs": kwargs, "meta": {"name": self.name, "why": self.why}}


class Suite(BaseModel, frozen=True):
    """One suite file: the table that it validates, and its expectations in the order of the file."""

    path: Path
    schema_name: str
    table: str
    expectations: tuple[Expectation, ...]

    @property
    def name(self) -> str:
        """Return the table's name with its schema."""
        return f"{self.schema_name}.{self.table}"

    def without(self, names: Set[str]) -> Suite:
        """Return the suite without the expectations of some names."""
        left = tuple(one for one in self.expectations if one.name not in names)
        return self.model_copy(update={"expectations": left})


class _StrictLoader(yaml.CSafeLoader):
    """YAML without arbitrary objects, in which a duplicate key is an error: YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping, or raise if a key is written twice."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for (key_node, _), key in zip(node.value, keys, strict=True):
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is written twice", key_node.start_mark
                )
        return super().construct_mapping(node, deep)


def read_suites(folder: Path) -> tuple[Suite, ...]:
    """Read all suite files of a folder in the order of their names; raise WarehouseError if there is none."""
    files = sorted(folder.glob("*.yml"))
    if not files:
        raise WarehouseError(f"{folder}: no suite file found (*.yml). Restore the expectations folder")
    return tuple(read_suite(file) for file in files)


def read_suite(file: Path) -> Suite:
    """Read one suite file; raise WarehouseError that names file, expectation and fault."""
    if not file.is_file():
        raise WarehouseError(f"{file}: no such suite. Write it: every source, fact and mart needs one")
    binding = file.name.removesuffix(".yml").split(".")
    if len(binding) != 2 or binding[0] not in SCHEMAS:
        raise WarehouseError(
            f"{file}: the name does not name a table. Rename the file to <schema>.<table>.yml, "
            f"schema one of {', '.join(SCHEMAS)}"
        )
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _StrictLoader)  # noqa: S506 (a SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise WarehouseError(f"{file}: not valid YAML: {error}. Fix the file") from error
    is_mapping = isinstance(content, dict) and set(content) == {"expectations"}
    if not is_mapping or not isinstance(content["expectations"], list) or not content["expectations"]:
        raise WarehouseError(f"{file}: must hold exactly one list, `expectations`, which is not empty")
    expectations = tuple(
        _read_expectation(file, number, entry) for number, entry in enumerate(content["expectations"], 1)
    )
    names = [expectation.name for expectation in expectations]
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise WarehouseError(f"{file}: two expectations are named {duplicates[0]!r}. Rename one of them")
    return Suite(path=file, schema_name=binding[0], table=binding[1], expectations=expectations)


def _read_expectation(file: Path, number: int, entry: Any) -> Expectation:
    """Check one entry of the list; `number` counts from 1."""
    name = entry.get("name") if isinstance(entry, Mapping) else None
    label = f"{file}: expectation {number} ({name or 'without a name'})"
    try:
        return Expectation.model_validate(entry)
    except ValidationError as error:
        faults = "; ".join(
            ": ".join([*(str(part) for part in fault["loc"]), fault["msg"]]) for fault in error.errors()
        )
        raise WarehouseError(f"{label}: {faults}. An expectation has exactly {FORMS}") from error
