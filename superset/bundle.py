"""Build Superset's import bundle from a release: its columns and their comments, and dashboards.yml.

    bundle.py DATABASE DIRECTORY    write the files of the bundle, to look at them or to import them elsewhere

The bundle is a database, a dataset for each table of schema `bi`, and the charts and dashboards of
`dashboards.yml`, in the format of Superset's export (version 1.0.0). Each object has the same UUID in every
bundle, so that an import replaces what an earlier one made. Nothing in it depends on the figures of a
release: two releases with the same columns and comments have equal bundles.

Needs `duckdb` and `pyyaml` only, and nothing of Superset.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml
from declared import HERE, Added, Chart, Declared, read_declared, read_yaml
from drawing import VERSION, chart_file, chart_name, dashboard_file, identity, number_format

CONTENT = HERE.parent / "warehouse" / "site" / "content"
DATABASE_NAME = "Services Trade Warehouse"
SCHEMA = "bi"
NUMBERS = ("DOUBLE", "INTEGER", "BIGINT", "DECIMAL")
PUBLISHER = "source_label"  # the column that legends and tables show in place of the code of a source

# A query can read the release and nothing else of the machine, and cannot change that. `dml` is off besides.
LOCKED = {
    "read_only": True,
    "config": {
        "enable_external_access": False,
        "lock_configuration": True,
        "memory_limit": "1GB",
        "threads": 2,
    },
}


@dataclass(frozen=True)
class Column:
    """A column of a table of the release, with its comment."""

    name: str
    type: str
    comment: str

    @property
    def is_number(self) -> bool:
        """Whether the column has a metric."""
        return self.type.startswith(NUMBERS)

    @property
    def expression(self) -> str:
        """The metric: amounts are added; of anything else the one value, or null where there are several."""
        name = f'"{self.name}"'
        if self.name.endswith("_usd_million"):
            return f"sum({name})"
        return f"case when count({name}) = 1 then max({name}) end"


def read_tables(database: Path) -> dict[str, tuple[str, list[Column]]]:
    """Return the comment and the columns of each table of schema `bi` of a release's database."""
    columns = (
        "select table_name, column_name, data_type, coalesce(comment, '') from duckdb_columns() "
        "where schema_name = ? order by table_name, column_index"
    )
    comments = (
        "select table_name, coalesce(comment, '') from duckdb_tables() where schema_name = ? order by 1"
    )
    with duckdb.connect(str(database), read_only=True) as db:
        tables: dict[str, tuple[str, list[Column]]] = {
            name: (comment, []) for name, comment in db.execute(comments, [SCHEMA]).fetchall()
        }
        for table, *column in db.execute(columns, [SCHEMA]).fetchall():
            tables[table][1].append(Column(*column))
    if not tables:
        raise SystemExit(f"{database}: schema {SCHEMA} has no table. Make a release: make run")
    return tables


def publisher_of(table: str, columns: list[Column], labels: dict[str, dict[str, str]]) -> dict[str, Added]:
    """Return the column with the publisher of a row, named as on the site; none for a table without sources.

    The name is the publisher's acronym where it has one, else its name up to the first comma or colon.
    """
    if "source" not in {column.name for column in columns}:
        return {}
    sql = (
        r"select coalesce(nullif(regexp_extract(s.publisher, '\(([^()]+)\)\s*$', 1), ''), "
        r"trim(split_part(split_part(s.publisher, ',', 1), ':', 1))) "
        f"from core.dim_source as s where s.source = {table}.source"
    )
    text = "The publisher of the table in `source`: its acronym, or its name."
    return {PUBLISHER: Added(sql, text, labels[PUBLISHER]["en"], "VARCHAR")}


def heading(column: str, labels: dict[str, dict[str, str]]) -> str:
    """Return the heading of a column: that of the site, else its name in words."""
    for name, language in (
        (column, "en"),
        (column.removesuffix("_en"), "en"),
        (column.removesuffix("_zh"), "zh"),
    ):
        if name in labels:
            return labels[name][language]
    return column.replace("_", " ").capitalize()


def dataset_file(
    table: str, comment: str, columns: list[Column], declared: Declared, labels: dict[str, dict[str, str]]
) -> dict[str, Any]:
    """Return a dataset: every column with its comment, and a metric for each number."""
    more_columns = publisher_of(table, columns, labels) | declared.columns.get(table, {})
    days = [column.name for column in columns if column.type == "DATE"]
    more_metrics = declared.metrics.get(table, {})
    return {
        "table_name": table,
        "main_dttm_col": days[0],
        "description": comment.strip(),
        "schema": SCHEMA,
        "filter_select_enabled": True,
        "uuid": identity("dataset", table),
        "metrics": [
            {
                "metric_name": f"metric_{column.name}",
                "verbose_name": heading(column.name, labels),
                "expression": column.expression,
                "description": column.comment.strip(),
                "d3format": number_format(column.name),
            }
            for column in columns
            if column.is_number
        ]
        + [
            {
                "metric_name": f"metric_{name}",
                "verbose_name": one.label,
                "expression": one.sql,
                "description": one.description,
                "d3format": number_format(name),
            }
            for name, one in more_metrics.items()
        ],
        "columns": [
            {
                "column_name": column.name,
                "verbose_name": heading(column.name, labels),
                "is_dttm": column.type == "DATE",
                "type": column.type,
                "groupby": True,
                "filterable": True,
                "description": column.comment.strip(),
            }
            for column in columns
        ]
        + [
            {
                "column_name": name,
                "verbose_name": one.label or None,
                "type": one.type,
                "groupby": True,
                "filterable": True,
                "expression": f"({one.sql})",
                "description": one.description,
            }
            for name, one in more_columns.items()
        ],
        "version": VERSION,
        "database_uuid": identity("database", "release"),
    }


def database_file(address: str) -> dict[str, Any]:
    """Return the connection: read only, locked, without tables of its own, uploads or cached results."""
    return {
        "database_name": DATABASE_NAME,
        "sqlalchemy_uri": address,
        "cache_timeout": None,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_csv_upload": False,
        "extra": {
            "engine_params": {"connect_args": LOCKED},
            "allows_virtual_table_explore": True,
            "metadata_params": {},
            "metadata_cache_timeout": {},
        },
        "uuid": identity("database", "release"),
        "version": VERSION,
        "is_managed_externally": True,
    }


def described(chart: Chart, definitions: dict[str, str]) -> str:
    """Return the note of a chart and the definitions of its metrics and series.

    Raises KeyError for an unknown column.
    """
    known = [definitions[name] for name in (*chart.metrics, *chart.by, *chart.columns)]
    return "\n\n".join([chart.note, *known[: len(chart.metrics) + len(chart.by)]]).strip()


def files(database: Path, latest: Path, declared: Declared) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the files of the bundle.

    `database` is the DuckDB file whose columns are read; `latest` is the path at which Superset opens the
    current release. Raises SystemExit for a chart of a dataset or column that the release does not have.
    """
    labels = read_yaml(CONTENT / "labels.yml")
    pages = {page["id"]: page for page in read_yaml(CONTENT / "pages.yml")}
    yield "metadata.yaml", {"version": VERSION, "type": "assets", "timestamp": "1970-01-01T00:00:00+00:00"}
    yield "databases/release.yaml", database_file(f"duckdb:///{latest}")
    definitions: dict[str, dict[str, str]] = {}
    for table, (comment, columns) in read_tables(database).items():
        yield f"datasets/{table}.yaml", dataset_file(table, comment, columns, declared, labels)
        added = (
            publisher_of(table, columns, labels)
            | declared.columns.get(table, {})
            | declared.metrics.get(table, {})
        )
        definitions[table] = {
            **{column.name: column.comment.strip() for column in columns},
            **{name: one.description for name, one in added.items()},
        }
    for dashboard in declared.dashboards:
        for chart in dashboard.charts:
            try:
                text = described(chart, definitions[chart.dataset])
            except KeyError as missing:
                raise SystemExit(
                    f"dashboards.yml, chart {chart_name(dashboard.page, chart)}: {SCHEMA}.{chart.dataset} of "
                    f"{database} has no {missing}. Correct the chart, or make a release: make run"
                ) from missing
            yield f"charts/{dashboard.page}_{chart.id}.yaml", chart_file(dashboard.page, chart, text)
        yield f"dashboards/{dashboard.page}.yaml", dashboard_file(dashboard, pages[dashboard.page])


def build(database: Path, latest: Path, declared: Declared | None = None) -> dict[str, str]:
    """Return the text of each file of the bundle, by its name; see `files`."""
    return {
        name: yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=110)
        for name, content in files(database, latest, declared or read_declared())
    }


def digest(bundle: dict[str, str]) -> str:
    """Return the sha256 of a bundle: it changes with columns, comments and dashboards.yml."""
    return hashlib.sha256(json.dumps(bundle, sort_keys=True).encode()).hexdigest()


def main(arguments: list[str]) -> None:
    """Write the files of a bundle."""
    if len(arguments) != 2:
        raise SystemExit(__doc__)
    database, directory = Path(arguments[0]).absolute(), Path(arguments[1])
    for name, text in build(database, database).items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
