"""Write what is made of the sources: run `make sources` after a change of one, and commit what it writes.

- docs/sources/<source>.md: a page for each source, from its module.
- README.md and README.zh.md: the table of the sources, from seed source_facts.
- docs/first_live_night.md: the table of what is known of each publisher, from the modules and the sample.
- dbt_project/macros/observed_sources.sql: the list of the sources whose observations dbt unites.

A test compares each with its origin. Nothing here reads a release.
"""

from __future__ import annotations

import ast
import csv
import importlib
import json
import re
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from warehouse.config import DBT_PROJECT_DIR, PROJECT_ROOT, SAMPLE_DIR, SEEDS_DIR
from warehouse.model import Source, first_request
from warehouse.sources import SOURCES

PAGES = Path(__file__).parent / "sources"
MACRO = DBT_PROJECT_DIR / "macros" / "observed_sources.sql"
# The language of a README, by which columns of source_facts are named, and the heading of its table.
READMES = {
    "README.md": ("en", ("source", "publisher", "table", "content", "recorded", "evidenced")),
    "README.zh.md": ("zh", ("数据源", "发布机构", "数据表", "内容", "录制", "最近证据")),
}
EVIDENCE = "docs/first_live_night.md"
NEEDS = {"en": "needs", "zh": "需设"}
# With which `evidenced` of a source begins: a day, a month, a year, or two of them.
DAY = re.compile(r"(?:[0-9-]+ to )?([0-9-]+): ")
TABLE = re.compile(r"(<!-- sources: written by make sources -->\n).*?(<!-- end of sources -->)", re.DOTALL)
MACRO_TEXT = """\
{{#-
    The sources of observations: each has a staging model stg_<name>. Written by `make sources` from the
    modules of warehouse/sources/. A unit test of the model that unites them replaces the list by a few.
-#}}
{{% macro observed_sources() %}}
    {{{{ return([
{names}
    ]) }}}}
{{% endmacro %}}
"""
TEMPLATE = """\
# {{ source.name }}

{{ source.title }}. {{ source.publisher }}, {{ source.table }}.

| | |
|---|---|
| Address and layout last evidenced | {{ source.evidenced }} |
| Homepage | <{{ source.homepage }}> |
| Licence | {{ source.licence }} |
| Fetched | cron `{{ source.schedule }}` UTC, at least {{ source.seconds_between_calls }} s between calls |
| Expected releases | {{ releases or "none in the calendar" }} |
| Identifies a row | {{ key }} |
| Reader version | {{ source.reader_version }} |
{%- if source.key_variable %}
| Key of the publisher | `{{ source.key_variable }}`; without it the source is not configured |
{%- endif %}

## The table, and what to beware of

{{ text }}
{% if contract or source.contract_text %}
## Contract
{% if contract %}
Read by header, in any order; typography and the spellings below are allowed for. Whatever else the file has
is drift: recorded with the vintage, reported once, not read. A load without a column that is read is
rejected.
Rows with an economy or item that no seed has are {{ "held out of the facts" if holds else "a rejection" }}.

| header | raw column | may be absent | other accepted spellings |
|---|---|---|---|
{% for header, column in contract.read.items() -%}
| `{{ header }}` | `{{ column }}` | {{ optional(header) }} | {{ spellings(header) }} |
{% endfor %}
{%- if contract.ignored %}
Known and not read: {{ ignored }}.
{% endif %}{% endif %}{% if source.contract_text %}
{{ source.contract_text }}
{% endif %}{% endif %}"""


def docs_of(name: str) -> list[str]:
    """Return the docstring of a module of the sources, and those of the modules that it shares."""
    module = importlib.import_module(f"warehouse.sources.{name}")
    docs = [module.__doc__ or ""]
    code = Path(str(module.__file__)).read_text(encoding="utf-8")
    for shared in re.findall(r"from warehouse\.sources\.(_\w+) import", code):
        docs += docs_of(shared)
    return list(dict.fromkeys(docs))


def page_of(source: Source) -> str:
    """Return the page of a source in Markdown."""
    docs = docs_of(source.name)
    contract = source.contract

    def optional(header: str) -> str:
        return "yes" if contract and header in contract.optional else ""

    def spellings(header: str) -> str:
        found = [other for other, name in contract.spellings.items() if name == header] if contract else []
        return ", ".join(f"`{other}`" for other in found)

    environment = Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)  # noqa: S701
    text = environment.from_string(TEMPLATE).render(
        source=source,
        contract=contract,
        holds=contract is not None and contract.unknown_codes == "hold",
        ignored=", ".join(f"`{name}`" for name in contract.ignored) if contract else "",
        key=", ".join(f"`{name}`" for name in source.key),
        releases=releases_of(source.name),
        optional=optional,
        spellings=spellings,
        text="\n\n".join(ast.literal_eval(repr(doc)).strip() for doc in docs),
    )
    return re.sub(r"[ \t]+\n", "\n", text).rstrip() + "\n"


def releases_of(name: str) -> str:
    """Return the days of the year on which the calendar expects a release, as text."""
    lines = (SEEDS_DIR / "release_calendar.csv").read_text(encoding="utf-8").splitlines()
    header = lines[0].split(",")
    rows = [dict(zip(header, line.split(","), strict=False)) for line in lines[1:]]
    days = sorted((int(row["month"]), int(row["day"])) for row in rows if row["source"] == name)
    return ", ".join(f"{month:02d}-{day:02d}" for month, day in days)


def recorded_sources() -> set[str]:
    """Return the sources with an answer in the sample."""
    index = json.loads((SAMPLE_DIR / "night-2" / "index.json").read_text(encoding="utf-8"))
    answered = {answer["address"] for answer in index["answers"]}
    return {name for name, one in SOURCES.items() if first_request(one.plan()).address in answered}


def table_of(language: str, heading: tuple[str, ...]) -> str:
    """Return the table of the sources in Markdown, in the language `en` or `zh`."""
    with (SEEDS_DIR / "source_facts.csv").open(encoding="utf-8", newline="") as file:
        facts = {row["source"]: row for row in csv.DictReader(file)}
    recorded = recorded_sources()
    rows = [heading, ("---",) * len(heading)]
    for name, source in SOURCES.items():
        fact = facts[name]
        publisher = fact["publisher_zh" if language == "zh" else "publisher"]
        key = f" ({NEEDS[language]} `{source.key_variable}`)" if source.key_variable else ""
        page = f"[`{name}`](docs/sources/{name}.md)"
        table = f"`{fact['publisher_table']}`"
        is_recorded = "✓" if name in recorded else "-"
        rows.append(
            (page, publisher, table, fact[f"content_{language}"] + key, is_recorded, evidence_of(source))
        )
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def evidence_table() -> str:
    """Return the table of what is known of each publisher in Markdown; the project's own folder has none."""
    recorded = recorded_sources()
    rows = [("source", "in the sample", "last evidenced"), ("---",) * 3]
    for name, source in SOURCES.items():
        if evidence_of(source) != "-":
            is_recorded = "✓" if name in recorded else "-"
            rows.append((f"[`{name}`](sources/{name}.md)", is_recorded, source.evidenced))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def evidence_of(source: Source) -> str:
    """Return when the address and layout of a source were last evidenced; `-` if it has no publisher's."""
    found = DAY.match(source.evidenced)
    return found[1] if found else "-"


def readme_of(name: str) -> str:
    """Return the text of a README with the table of the sources that there are."""
    return with_table(name, table_of(*READMES[name]))


def with_table(name: str, table: str) -> str:
    """Return the text of a file with another table between the two marks. Raises ValueError without them."""
    text = (PROJECT_ROOT / name).read_text(encoding="utf-8")
    made, count = TABLE.subn(lambda found: found[1] + table + found[2], text)
    if count != 1:
        raise ValueError(
            f"{name}: {count} places for the table of the sources, expected one: {TABLE.pattern}"
        )
    return made


def macro_text() -> str:
    """Return the macro that lists the sources of observations."""
    return MACRO_TEXT.format(names="\n".join(f"        '{name}'," for name in SOURCES))


def write_files() -> None:
    """Write all files, and remove the pages of sources that are no more."""
    PAGES.mkdir(exist_ok=True)
    for old in PAGES.glob("*.md"):
        old.unlink()
    for source in SOURCES.values():
        (PAGES / f"{source.name}.md").write_text(page_of(source), encoding="utf-8")
    for name in READMES:
        (PROJECT_ROOT / name).write_text(readme_of(name), encoding="utf-8")
    (PROJECT_ROOT / EVIDENCE).write_text(with_table(EVIDENCE, evidence_table()), encoding="utf-8")
    MACRO.write_text(macro_text(), encoding="utf-8")


if __name__ == "__main__":
    write_files()
