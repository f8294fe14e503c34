"""Vega-Lite specifications of the figures, made with Altair.

A specification has no data: the page gives it the rows of the figure as the data set `rows`. Sizes, fonts and
the colours of dark and light are the page's too, so that one specification serves screen, print and phone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from warehouse.site.model import Figure, Language, Lexicon, Origin, Row

ROWS = "rows"
# Thousands separated, no letters: "400k million" reads badly.
AMOUNT = ",~r"
# One colour for a source, in every figure, that holds on white and on dark grey. Any two of the first eight
# are distant, also to readers who do not tell red from green.
SOURCE_COLORS = (
    "#0077bb", "#bb1100", "#ccaa00", "#66bb66", "#7700ff", "#ff88bb", "#776655",
    "#5555dd", "#ee77ff", "#885588", "#449988", "#cc7722", "#667733", "#ff00cc",
    "#ee3377", "#993399", "#ff6655", "#2e8b57", "#aa2266", "#8888dd", "#9c5a2b",
)  # fmt: skip
# The sources that most charts compare have the first colours, whatever a release has beside them.
COMPARED = (
    "unctad_services", "safe_bop", "worldbank_wdi", "batis", "data360_digital", "wto_digital", "wto_services",
    "unctad_digital",
)  # fmt: skip
FEW = 8
# Twelve services must be told apart.
CATEGORY_COLORS = (
    "#2f78b7", "#7fb2dc", "#d9860a", "#f2bd6b", "#2e8b57", "#86c79c", "#d1495b",
    "#eb9aa6", "#8057b5", "#bda3dd", "#9c5a2b", "#cfa583", "#66788a", "#0b9a9a",
)  # fmt: skip
FLOW_COLORS = ("#2f78b7", "#d9860a", "#66788a", "#2e8b57")
NEUTRAL = "#808890"
DIVERGING = ("#b5482f", "#f4f1ec", "#2f78b7")
# The order of legends.
WORD_ORDER = ("exports", "imports", "total", "balance", "world", "item", "competitiveness")


def spec_of(
    figure: Figure,
    language: Language,
    columns: Sequence[str],
    rows: Sequence[Row],
    sources: Mapping[str, Origin],
    lexicon: Lexicon,
) -> dict[str, Any]:
    """Return the Vega-Lite specification of a figure in a language, without its data.

    The page shows values of columns in the words of the language, so the scales here have those too.
    """
    color = _color(figure, language, columns, rows, sources, lexicon)
    names = _name(figure.y if figure.form == "heatmap" else figure.x, language)
    count = len({row[columns.index(names)] for row in rows})
    drawing = Drawing(figure, language, tuple(columns), lexicon, count)
    chart: Any = FORMS[figure.form](drawing, color)
    years = sorted({row[columns.index(figure.rule)] for row in rows} - {None}) if figure.rule else []
    if years:
        chart = alt.layer(chart, _rules(years, is_bars=figure.form in ("bars", "stacked", "shares")))
    # Validation takes half of the time; the tests validate every chart.
    spec: dict[str, Any] = chart.to_dict(validate=False)
    return {key: value for key, value in spec.items() if key != "config"}


@dataclass(frozen=True)
class Drawing:
    """A figure in a language, with its columns, and the number of names that its rows have."""

    figure: Figure
    language: Language
    columns: tuple[str, ...]
    lexicon: Lexicon
    names_counted: int

    def name(self, column: str | None) -> str:
        """Return a column of the figure in the language."""
        return _name(column, self.language)

    def tooltip(self, *columns: str | None) -> list[alt.Tooltip]:
        """Return the fields of the tooltip that the rows have, with the headings of the table."""
        names = dict.fromkeys(self.name(column) for column in columns)
        return [
            alt.Tooltip(f"{name}:Q", title=self.lexicon.label(name, self.language), format=",.4~r")
            if _is_measure(name)
            else alt.Tooltip(f"{name}:N", title=self.lexicon.label(name, self.language))
            for name in names
            if name in self.columns
        ]


def _chart() -> alt.Chart:
    return alt.Chart(alt.NamedData(name=ROWS))


def _name(column: str | None, language: Language) -> str:
    """Return the column of a language."""
    return (column or "").replace("{lang}", language)


def _color(
    figure: Figure,
    language: Language,
    columns: Sequence[str],
    rows: Sequence[Row],
    sources: Mapping[str, Origin],
    lexicon: Lexicon,
) -> alt.Color:
    """Return the encoding of the colour, with the same colour for a source in every figure."""
    name = _name(figure.color, language)
    legend = alt.Legend(title=None, symbolType="stroke") if figure.form == "lines" else alt.Legend(title=None)
    if name == "source_label":
        present = {row[columns.index("source")] for row in rows}
        colors = {
            lexicon.word(sources[source].label, language): color
            for source, color in colors_of(sources).items()
            if source in present
        }
        scale = alt.Scale(domain=list(colors), range=list(colors.values()))
        return alt.Color(f"{name}:N", legend=legend, scale=scale)
    if name in ("flow", "effect"):
        words = {row[columns.index(name)] for row in rows}
        domain = [lexicon.word(word, language) for word in WORD_ORDER if word in words]
        return alt.Color(
            f"{name}:N", legend=legend, scale=alt.Scale(domain=domain, range=list(FLOW_COLORS[: len(domain)]))
        )
    # Items in the order of their codes, also those that a source compiles only in later years.
    order = columns.index("service") if "service" in columns else None
    ordered = rows if order is None else sorted(rows, key=lambda row: str(row[order]))
    domain = list(dict.fromkeys(lexicon.word(str(row[columns.index(name)]), language) for row in ordered))
    palette = SOURCE_COLORS[:FEW] if len(domain) <= FEW else CATEGORY_COLORS
    return alt.Color(f"{name}:N", legend=legend, scale=alt.Scale(domain=domain, range=list(palette)))


def colors_of(sources: Collection[str]) -> dict[str, str]:
    """Return the colour of each source: those of COMPARED have the first, the others follow in order."""
    others = [source for source in sources if source not in COMPARED]
    places = {source: place for place, source in enumerate((*COMPARED, *others))}
    return {source: SOURCE_COLORS[places[source] % len(SOURCE_COLORS)] for source in sources}


def _is_measure(name: str) -> bool:
    return name.endswith(("_million", "_pct", "_pp")) or name in ("tc", "rca")


def _lines(of: Drawing, color: alt.Color) -> Any:
    figure = of.figure
    tooltip = of.tooltip(
        figure.color, figure.dash, "period_label", figure.y, "vintage", "vintage_a", "vintage_b"
    )
    y = alt.Y(f"{figure.y}:Q", title=None, axis=alt.Axis(format=AMOUNT))
    base = _chart().encode(x=_time(), y=y, color=color, tooltip=tooltip)
    lines = base.mark_line(strokeWidth=2)
    if figure.dash:
        legend = alt.Legend(title=None, symbolType="stroke", symbolStrokeColor=NEUTRAL)
        dash = alt.StrokeDash(f"{figure.dash}:N", legend=legend, scale=_dashes(of))
        lines = lines.encode(strokeDash=dash)
    # Points of their own, and not of the line: they would take the colour of the dashes out of the legend.
    return alt.layer(lines, base.mark_point(filled=True, size=22, opacity=1))


def _dashes(of: Drawing) -> alt.Scale:
    """Return the dashes of the flows: exports are solid."""
    domain = [of.lexicon.word(word, of.language) for word in ("exports", "imports")]
    return alt.Scale(domain=domain, range=[[1, 0], [5, 3]])


def _points(of: Drawing, color: alt.Color) -> Any:
    figure = of.figure
    y = alt.Y(f"{figure.y}:Q", title=None)
    tooltip = of.tooltip(
        figure.color, "period_label", "previous_vintage", "vintage", "previous_value", "value", figure.y
    )
    mark = _chart().mark_point(filled=True, size=45, opacity=0.8)
    return mark.encode(x=_time(), y=y, color=color, tooltip=tooltip)


def _bars(of: Drawing, color: alt.Color) -> Any:
    figure = of.figure
    y = alt.Y(f"{figure.y}:Q", title=None, axis=alt.Axis(format=AMOUNT))
    tooltip = of.tooltip(figure.color, "period_label", figure.y, "vintage")
    return _chart().mark_bar().encode(x=_periods(), y=y, color=color, tooltip=tooltip)


def _shares(of: Drawing, color: alt.Color) -> Any:
    figure = of.figure
    y = alt.Y(f"{figure.y}:Q", title=None, scale=alt.Scale(domain=[0, 100]))
    tooltip = of.tooltip(figure.color, "period_label", figure.y, "value_usd_million", "vintage")
    encoded = _chart().mark_bar().encode(x=_periods(), y=y, color=color, tooltip=tooltip)
    return encoded.encode(order=alt.Order("service:O")).properties(height=380)


def _ranked(of: Drawing, color: alt.Color) -> Any:
    figure = of.figure
    tooltip = of.tooltip(figure.x, "period_label", figure.y, "share_pct", "growth_pct", "vintage")
    encoded = _chart().mark_bar().encode(y=_names(of), x=_amounts(of), color=color, tooltip=tooltip)
    return encoded.properties(height=20 * of.names_counted)


def _grouped(of: Drawing, color: alt.Color) -> Any:
    figure = of.figure
    tooltip = of.tooltip(
        figure.x, "flow", "period_label", figure.y, "members_counted", "members_expected", "vintage"
    )
    encoded = _chart().mark_bar().encode(y=_names(of), x=_amounts(of), color=color, tooltip=tooltip)
    return encoded.encode(yOffset=f"{figure.color}:N").properties(height=30 * of.names_counted)


def _heatmap(of: Drawing, color: alt.Color) -> Any:
    figure = of.figure
    name = of.name(figure.y)
    y = alt.Y(f"{name}:N", title=None, axis=alt.Axis(labelLimit=220))
    scale = alt.Scale(domain=[-1, 0, 1], range=list(DIVERGING), interpolate="rgb")
    color = alt.Color(f"{figure.color}:Q", scale=scale, legend=alt.Legend(title=None))
    tooltip = of.tooltip(figure.y, "period_label", figure.color, "vintage")
    encoded = _chart().mark_rect().encode(x=_periods(), y=y, color=color, tooltip=tooltip)
    return encoded.properties(height=24 * of.names_counted)


def _time() -> alt.X:
    """Return the axis of time. UTC: a date is midnight UTC, which is the day before west of Greenwich."""
    axis = alt.Axis(format="%Y", grid=False)
    return alt.X("period_start:T", title=None, scale=alt.Scale(type="utc"), axis=axis)


def _periods() -> alt.X:
    """Return an axis of periods as labels, for bars."""
    return alt.X("period_label:O", title=None, axis=alt.Axis(labelOverlap=True, labelAngle=0))


def _names(of: Drawing) -> alt.Y:
    """Return the axis of names, the largest amount first."""
    return alt.Y(f"{of.name(of.figure.x)}:N", title=None, sort="-x", axis=alt.Axis(labelLimit=220))


def _amounts(of: Drawing) -> alt.X:
    """Return the axis of amounts of horizontal bars."""
    return alt.X(f"{of.figure.y}:Q", title=None, axis=alt.Axis(format=AMOUNT, tickCount=4))


def _rules(years: Sequence[int], is_bars: bool) -> Any:
    """Return vertical lines at the beginning of years. The table says them, so that a reader skips them."""
    x: Any = alt.X("break_start:T", scale=alt.Scale(type="utc"))
    if is_bars:
        x = alt.X("break_label:O", bandPosition=0)
    values = [{"break_start": f"{year}-01-01", "break_label": str(year)} for year in years]
    rule = alt.Chart(alt.InlineData(values=values)).mark_rule(
        strokeDash=[4, 4], opacity=0.6, aria=False, color=NEUTRAL
    )
    return rule.encode(x=x)


FORMS: dict[str, Callable[[Drawing, alt.Color], Any]] = {
    "lines": _lines,
    "points": _points,
    "bars": _bars,
    "ranked": _ranked,
    "grouped": _grouped,
    "stacked": _bars,
    "shares": _shares,
    "heatmap": _heatmap,
}
