"""Charts and dashboards in the format of Superset's export, from what dashboards.yml declares.

Each object has the same UUID in every bundle, so that an import replaces what an earlier one made.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from declared import Chart, Dashboard, Economies

VERSION = "1.0.0"
NAMESPACE = uuid.UUID("5b1f0c0e-6d3a-5c55-9b5e-0f5a7d5e1c11")  # any fixed value: changing it duplicates all
ECONOMY = "reporter_name_en"  # the column of the picker

# Room for half of the last label of the axis, which is cut off otherwise.
LAST_LABEL = "{grid: {right: 60}}"

# Superset's name of each form, and the options of its own.
FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "lines": ("echarts_timeseries_line", {"markerEnabled": True, "markerSize": 4}),
    "bars": ("echarts_timeseries_bar", {"stack": "Stack"}),
    "stacked": ("echarts_timeseries_bar", {"stack": "Stack"}),
    "ranked": (
        "echarts_timeseries_bar",
        {"orientation": "horizontal", "show_legend": False, "echart_options": LAST_LABEL},
    ),
    "grouped": ("echarts_timeseries_bar", {"orientation": "horizontal", "echart_options": LAST_LABEL}),
    "heatmap": ("heatmap_v2", {}),
    "table": ("table", {}),
}
HEIGHTS = {
    "table": 72,
    "heatmap": 56,
    "ranked": 64,
    "grouped": 64,
    "stacked": 56,
}  # in grid units of 8 pixels
HEIGHT = 46
LEAD_HEIGHT = 11
# The same colours in every chart; Superset gives the first to the largest series otherwise.
COLORS = {
    "exports": "#1FA8C9",
    "metric_exports_usd_million": "#1FA8C9",
    "metric_world_export_share_pct": "#1FA8C9",
    "imports": "#454E7C",
    "metric_imports_usd_million": "#454E7C",
    "metric_world_import_share_pct": "#454E7C",
}
COUNTS = ("_rank", "_counted", "_expected", "_count", "_cells", "_days", "claims", "sources", "revisions")
AMOUNTS = ("_million", "_value", "value")


def identity(kind: str, name: str) -> str:
    """Return the UUID of an object, the same in every bundle."""
    return str(uuid.uuid5(NAMESPACE, f"{kind}/{name}"))


def number_format(name: str) -> str:
    """Return the d3 format of a number: whole millions and counts, two decimals of rates and indices."""
    if name.endswith("_usd_million"):
        return ",.0f"
    return ",d" if name.endswith(COUNTS) else ",.2f"


def axis_format(name: str) -> str:
    """Return the d3 format of the labels of an axis: as that of the number, without zeros at the end."""
    return number_format(name).replace("f", "~f")


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
                    if name.endswith((*AMOUNTS, *COUNTS, "_pct"))
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
            is_share = chart.metrics == ["share_pct"]  # parts of 100 percent
            bounds: list[int | None] = [0, 100] if is_share else [None, None]
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
                    "y_axis_format": axis_format(chart.metrics[0]),
                    "truncateYAxis": is_share,
                    "y_axis_bounds": bounds,
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
            "meta": {"width": 12, "height": LEAD_HEIGHT, "code": f"{lead['en']}\n\n{lead['zh']}"},
        },
        **{
            f"CHART-{chart.id}": {
                "type": "CHART",
                "id": f"CHART-{chart.id}",
                "children": [],
                "parents": ["ROOT_ID", "GRID_ID", f"ROW-{chart.id}"],
                "meta": {
                    "width": 12,
                    "height": chart.height or HEIGHTS.get(chart.form, HEIGHT),
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
            "label_colors": COLORS,
            "refresh_frequency": 0,
        },
        "published": True,
        "is_managed_externally": True,
        "version": VERSION,
    }
