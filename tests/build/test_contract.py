"""The columns of a table against its yml: macro check_contract of dbt_project/macros/materializations.sql."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import SimpleNamespace

import duckdb
import jinja2
import pytest

from warehouse.config import DBT_PROJECT_DIR

MACROS = DBT_PROJECT_DIR / "macros" / "materializations.sql"
DECLARED = {"source": "varchar", "value_million": "decimal(38,18)", "is_sum": "boolean"}


def statement_of(columns: Mapping[str, str]) -> str:
    """Return the statement that checks table `marts.example` against columns and their types."""
    text = MACROS.read_text(encoding="utf-8")
    found = re.search(r"\{% macro check_contract\(\) -%\}.*?\{%- endmacro %\}", text, re.DOTALL)
    assert found
    described = {name: SimpleNamespace(name=name, data_type=data_type) for name, data_type in columns.items()}
    template = jinja2.Template(found[0] + "{{ check_contract() }}", extensions=["jinja2.ext.do"])
    return template.render(
        this=SimpleNamespace(database="memory", schema="marts", identifier="example"),
        model=SimpleNamespace(columns=described),
    )


def check(select: str) -> None:
    """Make `marts.example` of a query, and check it against `DECLARED`."""
    with duckdb.connect() as db:
        db.execute(f"create schema marts; create table marts.example as {select}")
        # A table of the same name elsewhere is another one.
        db.execute("create table example (nothing integer)")
        db.execute(statement_of(DECLARED))


def test_a_table_with_the_columns_of_its_yml_passes() -> None:
    check("select 'ons' as source, cast(1 as decimal(38, 18)) as value_million, true as is_sum")


@pytest.mark.parametrize(
    ("select", "difference"),
    [
        (
            "select 'ons' as source, cast(1.5 as double) as value_million, true as is_sum",
            "column 2 of the yml is value_million decimal(38,18), that of the table value_million double",
        ),
        (
            "select 'ons' as source, true as is_sum, cast(1 as decimal(38, 18)) as value_million",
            "column 2 of the yml is value_million decimal(38,18), that of the table is_sum boolean",
        ),
        (
            "select 'ons' as source, cast(1 as decimal(38, 18)) as value_million",
            "column 3 of the yml is is_sum boolean, that of the table none",
        ),
        (
            "select 'ons' as source, cast(1 as decimal(38, 18)) as value_million, true as is_sum, 1 as more",
            "column 4 of the yml is none, that of the table more integer",
        ),
    ],
    ids=["type", "order", "missing", "further"],
)
def test_a_table_with_other_columns_is_an_error_that_names_the_first(select: str, difference: str) -> None:
    with pytest.raises(duckdb.InvalidInputException, match=re.escape(difference)):
        check(select)
