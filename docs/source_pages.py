"""Write docs/sources/<source>.md, one page for each source, from its module.

Run `python docs/source_pages.py` after a change of a source; a test compares the pages with the modules.
"""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from warehouse.config import SEEDS_DIR
from warehouse.model import Source
from warehouse.sources import SOURCES

PAGES = Path(__file__).parent / "sources"
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
{% if contract %}
## Contract

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


def write_pages() -> None:
    """Write all pages, and remove those of sources that are no more."""
    PAGES.mkdir(exist_ok=True)
    for old in PAGES.glob("*.md"):
        old.unlink()
    for source in SOURCES.values():
        (PAGES / f"{source.name}.md").write_text(page_of(source), encoding="utf-8")


if __name__ == "__main__":
    write_pages()
