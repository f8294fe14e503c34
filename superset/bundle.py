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
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import yaml

HERE = Path(__file__).resolve().parent
CONTENT = HERE.parent / "warehouse" / "site" / "content"
NAMESPACE = uuid.UUID("5b1f0c0e-6d3a-5c55-9b5e-0f5a7d5e1c11")  # any fixed value: changing it duplicates all
DATABASE_NAME = "Services Trade Warehouse"
SCHEMA = "bi"
VERSION = "1.0.0"
NUMBERS = ("DOUBLE", "INTEGER", "BIGINT", "DECIMAL")
ECONOMY = "reporter_name_en"  # the column of the picker

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

# Superset's name of each form, and the options of its own.
FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "lines": ("echarts_timeseries_line", {"markerEnabled": True, "markerSize": 4}),
    "bars": ("echarts_timeseries_bar", {"stack": "Stack"}),
    "stacked": ("echarts_timeseries_bar", {"stack": "Stack"}),
    "ranked": ("echarts_timeseries_bar", {"orientation": "horizontal", "show_legend": False}),
    "grouped": ("echarts_timeseries_bar", {}),
    "heatmap": ("heatmap_v2", {}),
    "table": ("table", {}),
}
HEIGHTS = {"table": 50, "heatmap": 56, "ranked": 64, "stacked": 56}  # in grid units of 8 pixels
HEIGHT = 46


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


@dataclass(frozen=True)
class Added:
    """A column or metric that dashboards.yml adds to a dataset: `sql` is an expression on its table."""

    sql: str
    description: str
    label: str = ""


@dataclass(frozen=True)
class Chart:
    """A chart of dashboards.yml.

    `form` is a key of `FORMS`. `metrics` are columns or added metrics of the dataset; `columns` are those of
    a table of rows. `x` is the axis, by default the period; `by` makes a series of each value. `where` has
    SQL conditions, or names of added columns, that must all hold. `rows` is the number of rows, `series` of
    series, the largest ones. `order` is the column by which a table is ordered downwards. A chart that is
    `of_all_economies` does not follow the dashboard's picker.
    """

    id: str
    form: str
    dataset: str
    title: dict[str, str]
    metrics: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    by: list[str] = field(default_factory=list)
    where: list[str] = field(default_factory=list)
    x: str = "period_start"
    order: str = "period_label"
    rows: int = 10_000
    series: int = 0
    note: str = ""
    of_all_economies: bool = False


@dataclass(frozen=True)
class Economies:
    """The picker of a dashboard: English names of the economies that are chosen at first."""

    default: list[str]
    many: bool = False


@dataclass(frozen=True)
class Dashboard:
    """A dashboard of dashboards.yml: the `id` of its page on the site, its charts, its picker if any.

    `lead` is by language, by default that of the page.
    """

    page: str
    charts: list[Chart]
    economies: Economies | None = None
    lead: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Declared:
    """What dashboards.yml declares: added columns and metrics by dataset, and the dashboards in order."""

    columns: dict[str, dict[str, Added]]
    metrics: dict[str, dict[str, Added]]
    dashboards: list[Dashboard]


def identity(kind: str, name: str) -> str:
    """Return the UUID of an object, the same in every bundle."""
    return str(uuid.uuid5(NAMESPACE, f"{kind}/{name}"))


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def read_declared(path: Path = HERE / "dashboards.yml") -> Declared:
    """Read dashboards.yml; raise TypeError for a key that is not known."""
    content = read_yaml(path)

    def added(part: str) -> dict[str, dict[str, Added]]:
        return {
            name: {key: Added(**value) for key, value in entry.get(part, {}).items()}
            for name, entry in content["datasets"].items()
        }

    dashboards = [
        Dashboard(
            page=entry["page"],
            charts=[Chart(**chart) for chart in entry["charts"]],
            economies=Economies(**entry["economies"]) if "economies" in entry else None,
            lead=entry.get("lead", {}),
        )
        for entry in content["dashboards"]
    ]
    return Declared(added("columns"), added("metrics"), dashboards)


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
    more_columns = declared.columns.get(table, {})
    more_metrics = declared.metrics.get(table, {})
    return {
        "table_name": table,
        "main_dttm_col": "period_start",
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
                "type": "BOOLEAN",
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


def number_format(name: str) -> str:
    """Return the d3 format of a number: whole millions and counts, two decimals of rates and indices."""
    if name.endswith("_usd_million"):
        return ",.0f"
    return ",d" if name.endswith(("_rank", "_counted", "_expected")) else ",.2f"


def condition(sql: str, place: int) -> dict[str, Any]:
    """Return a condition as Superset keeps it: SQL, or the name of an added column that must be true."""
    if sql.isidentifier():
        return {
            "expressionType": "SIMPLE",
            "subject": sql,
            "operator": "==",
            "operatorId": "EQUALS",
            "comparator": True,
            "clause": "WHERE",
            "filterOptionName": f"filter_{place}",
        }
    return {
        "expressionType": "SQL",
        "sqlExpression": sql,
        "clause": "WHERE",
        "filterOptionName": f"filter_{place}",
    }


def params(chart: Chart) -> dict[str, Any]:
    """Return the options of a chart."""
    viz_type, own = FORMS[chart.form]
    common = {
        "viz_type": viz_type,
        "adhoc_filters": [condition(sql, place) for place, sql in enumerate(chart.where)],
        "row_limit": chart.rows,
        "time_range": "No filter",
        "order_desc": True,
    }
    metrics = [f"metric_{name}" for name in chart.metrics]
    match chart.form:
        case "table":
            return common | {
                "query_mode": "raw",
                "all_columns": chart.columns,
                "order_by_cols": [json.dumps([chart.order, False])],
                "table_timestamp_format": "%Y-%m-%d",
                "server_pagination": False,
                "page_length": 25 if chart.rows > 25 else 0,
                "show_cell_bars": False,
                "color_pn": False,
                "allow_rearrange_columns": False,
                "column_config": {
                    name: {"d3NumberFormat": number_format(name)}
                    for name in chart.columns
                    if name.endswith(("_million", "_pct", "_rank"))
                },
            }
        case "heatmap":
            return common | {
                "x_axis": chart.x,
                "groupby": chart.by[0],
                "metric": metrics[0],
                "sort_x_axis": "alpha_asc",
                "sort_y_axis": "alpha_desc",
                "normalize_across": "heatmap",
                "linear_color_scheme": "schemeRdYlBu",
                "legend_type": "continuous",
                "show_legend": True,
                "show_percentage": False,
                "show_values": False,
                "value_bounds": [-1, 1],
                "y_axis_format": ",.2f",
                "left_margin": "auto",
                "bottom_margin": "auto",
            }
        case _:
            is_ranked = chart.form == "ranked"
            return (
                common
                | {
                    "x_axis": chart.x,
                    "metrics": metrics,
                    "groupby": chart.by,
                    "x_axis_force_categorical": chart.x != "period_start",
                    "x_axis_sort": metrics[0] if is_ranked else None,
                    "x_axis_sort_asc": is_ranked,
                    "x_axis_time_format": "%Y",
                    "y_axis_format": number_format(chart.metrics[0]),
                    "truncate_metric": True,
                    "show_legend": True,
                    "legendType": "scroll",
                    "legendOrientation": "top",
                    "rich_tooltip": True,
                    "tooltipTimeFormat": "%Y-%m",
                    "showTooltipTotal": False,
                    "color_scheme": "supersetColors",
                    "limit": chart.series,
                    "timeseries_limit_metric": metrics[0] if chart.series else None,
                }
                | own
            )


def chart_name(page: str, chart: Chart) -> str:
    """Return the name by which a chart is identified."""
    return f"{page}/{chart.id}"


def chart_file(page: str, chart: Chart, described: str) -> dict[str, Any]:
    """Return a chart; its description is shown beside its title."""
    return {
        "slice_name": f"{chart.title['en']} · {chart.title['zh']}",
        "description": described,
        "viz_type": FORMS[chart.form][0],
        "params": params(chart),
        "cache_timeout": None,
        "uuid": identity("chart", chart_name(page, chart)),
        "version": VERSION,
        "dataset_uuid": identity("dataset", chart.dataset),
        "is_managed_externally": True,
    }


def position(dashboard: Dashboard, title: str, lead: dict[str, str]) -> dict[str, Any]:
    """Return the layout of a dashboard: the lead, then one chart in each row, so that phones show them."""
    rows: dict[str, Any] = {
        "ROW-lead": ["MARKDOWN-lead"],
        **{f"ROW-{chart.id}": [f"CHART-{chart.id}"] for chart in dashboard.charts},
    }
    return {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": list(rows), "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": title}},
        **{
            name: {
                "type": "ROW",
                "id": name,
                "children": children,
                "parents": ["ROOT_ID", "GRID_ID"],
                "meta": {"background": "BACKGROUND_TRANSPARENT"},
            }
            for name, children in rows.items()
        },
        "MARKDOWN-lead": {
            "type": "MARKDOWN",
            "id": "MARKDOWN-lead",
            "children": [],
            "parents": ["ROOT_ID", "GRID_ID", "ROW-lead"],
            "meta": {"width": 12, "height": 18, "code": f"{lead['en']}\n\n{lead['zh']}"},
        },
        **{
            f"CHART-{chart.id}": {
                "type": "CHART",
                "id": f"CHART-{chart.id}",
                "children": [],
                "parents": ["ROOT_ID", "GRID_ID", f"ROW-{chart.id}"],
                "meta": {
                    "width": 12,
                    "height": HEIGHTS.get(chart.form, HEIGHT),
                    "chartId": place,  # replaced at the import; the picker's scope refers to it
                    "uuid": identity("chart", chart_name(dashboard.page, chart)),
                    "sliceName": f"{chart.title['en']} · {chart.title['zh']}",
                },
            }
            for place, chart in enumerate(dashboard.charts, start=1)
        },
    }


def picker(dashboard: Dashboard, economies: Economies) -> dict[str, Any]:
    """Return the filter by economy, which all charts follow but those of all economies."""
    following = [chart for chart in dashboard.charts if not chart.of_all_economies]
    chosen = [{"col": ECONOMY, "op": "IN", "val": economies.default}]
    return {
        "id": f"NATIVE_FILTER-{dashboard.page}",
        "name": "Economy · 经济体",
        "filterType": "filter_select",
        "type": "NATIVE_FILTER",
        "targets": [
            {"column": {"name": ECONOMY}, "datasetUuid": identity("dataset", following[0].dataset)},
        ],
        "controlValues": {
            "multiSelect": economies.many,
            "enableEmptyFilter": True,
            "defaultToFirstItem": False,
            "inverseSelection": False,
            "searchAllOptions": False,
            "sortAscending": True,
        },
        "defaultDataMask": {
            "extraFormData": {"filters": chosen},
            "filterState": {"value": economies.default, "label": ", ".join(economies.default)},
        },
        "cascadeParentIds": [],
        "scope": {
            "rootPath": ["ROOT_ID"],
            "excluded": [
                place for place, chart in enumerate(dashboard.charts, start=1) if chart.of_all_economies
            ],
        },
        "description": "",
    }


def dashboard_file(dashboard: Dashboard, page: dict[str, Any]) -> dict[str, Any]:
    """Return a dashboard; `page` is its entry in pages.yml."""
    title = f"{page['title']['en']} · {page['title']['zh']}"
    lead = dashboard.lead or page["lead"]
    return {
        "dashboard_title": title,
        "description": lead["en"],
        "css": "",
        "slug": dashboard.page,
        "uuid": identity("dashboard", dashboard.page),
        "position": position(dashboard, title, lead),
        "metadata": {
            "native_filter_configuration": [picker(dashboard, dashboard.economies)]
            if dashboard.economies
            else [],
            "filter_bar_orientation": "HORIZONTAL",
            "cross_filters_enabled": False,
            "color_scheme": "supersetColors",
            "refresh_frequency": 0,
        },
        "published": True,
        "is_managed_externally": True,
        "version": VERSION,
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
    """Return the note of a chart and the definitions of its metrics; raise KeyError for an unknown column."""
    known = [definitions[name] for name in (*chart.metrics, *chart.columns)]
    return "\n\n".join([chart.note, *known[: len(chart.metrics)]]).strip()


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
        definitions[table] = {
            **{column.name: column.comment.strip() for column in columns},
            **{name: one.description for name, one in declared.metrics.get(table, {}).items()},
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
