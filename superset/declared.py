"""What dashboards.yml declares: dashboards, their charts, and what they add to the tables of the release."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Added:
    """A column or metric that dashboards.yml adds to a dataset: `sql` is an expression on its table.

    `type` is that of a column.
    """

    sql: str
    description: str
    label: str = ""
    type: str = "BOOLEAN"


@dataclass(frozen=True)
class Chart:
    """A chart of dashboards.yml.

    `form` is a key of `FORMS`. `metrics` are columns or added metrics of the dataset; `columns` are those of
    a table of rows. `x` is the axis, by default the period; `by` makes a series of each value. `where` has
    SQL conditions, or names of added columns, that must all hold. `rows` is the number of rows, `series` of
    series, the largest ones. `order` is the column by which a table is ordered downwards. `height` is in grid
    units of 8 pixels, by default that of the form. A chart that is `of_all_economies` does not follow the
    dashboard's picker.
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
    height: int = 0
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
