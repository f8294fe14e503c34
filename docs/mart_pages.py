"""Write docs/marts/<mart>.md, one page for each mart, and docs/questions/README.md, from a release.

A mart's page has question, grain, columns and examples: the descriptions are those of dbt's manifest in the
release, the examples of docs/marts/examples.yml are run on its database, and so are the questions of
docs/questions. Run `python docs/mart_pages.py` after `make run`; tests compare the pages with the release of
the sample.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import yaml
from jinja2 import Environment, StrictUndefined

from warehouse.config import load_settings
from warehouse.releases.store import DATABASE

PAGES = Path(__file__).parent / "marts"
QUESTIONS = Path(__file__).parent / "questions"
EXAMPLES = PAGES / "examples.yml"
ROWS_SHOWN = 10
SHORTEST_SUMMARY = 60  # characters
TEMPLATE = """\
# {{ name }}

{{ question }}

**Grain.** {{ grain }}

## Columns

| column | type | meaning |
|---|---|---|
{% for column in columns -%}
| `{{ column.name }}` | {{ column.type }} | {{ column.summary }} |
{% endfor %}
{%- if definitions %}
## Definitions

{% for column in definitions -%}
### {{ column.name }}

{{ column.text }}

{% endfor %}
{%- endif %}
## Examples

{% for example in examples -%}
**{{ example.question }}**

```sql
{{ example.sql }}
```

{{ example.result }}

{% endfor -%}
## What it does not answer

{{ limits }}
"""
QUESTIONS_HEAD = """\
# Questions

What people ask of a dashboard, each as one query, and what the release of the sample answers. To ask the
current release: `warehouse query -- "$(cat docs/questions/{first})"`. A test runs each query twenty times;
95 % of the runs take less than 100 ms.
"""


class Column(NamedTuple):
    """A column of a mart: its name, type, first sentence and whole description."""

    name: str
    type: str
    summary: str
    text: str


def page_of(mart: str, manifest: dict[str, Any], database: Path) -> str:
    """Return the page of a mart in Markdown."""
    node = manifest["nodes"][f"model.services_trade.{mart}"]
    question, grain = split_grain(node["description"])
    columns = [
        Column(
            name, column["data_type"], first_sentence(column["description"]), column["description"].strip()
        )
        for name, column in node["columns"].items()
    ]
    described = yaml.safe_load(EXAMPLES.read_text(encoding="utf-8"))[mart]
    examples = [
        {**example, "sql": example["sql"].strip(), "result": result_of(example["sql"], database)}
        for example in described["examples"]
    ]
    environment = Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)  # noqa: S701
    text = environment.from_string(TEMPLATE).render(
        name=mart,
        question=question,
        grain=grain,
        columns=columns,
        definitions=[column for column in columns if is_cut(column)],
        examples=examples,
        limits=described["limits"].strip(),
    )
    return text.rstrip() + "\n"


def questions_page(database: Path) -> str:
    """Return the page of the questions in Markdown."""
    files = sorted(QUESTIONS.glob("*.sql"))
    parts = [QUESTIONS_HEAD.format(first=files[0].name)]
    for number, path in enumerate(files, 1):
        question, sql = read_question(path)
        parts.append(
            f"\n## {number}. {question}\n\n[{path.name}]({path.name})\n\n{result_of(sql, database)}\n"
        )
    return "".join(parts)


def read_question(path: Path) -> tuple[str, str]:
    """Return the question in the first line of a file, and its whole text, which is the query."""
    text = path.read_text(encoding="utf-8")
    first, _, _ = text.partition("\n")
    return first.removeprefix("-- "), text.strip()


def split_grain(description: str) -> tuple[str, str]:
    """Return a model's description without its last sentence, and that sentence, which is the grain."""
    at = description.rindex("One row per ")
    return description[:at].strip(), description[at:].strip()


def first_sentence(text: str) -> str:
    """Return the beginning of a description, in one line, as the cell of a table.

    It is the first sentence, or the first few where that one is short: "Of the exports." says nothing alone.
    Of a list that the sentence introduces it has the values, without what they mean.
    """
    paragraph, *later = (" ".join(part.split()) for part in text.strip().split("\n\n"))
    if paragraph.endswith(":") and later:
        paragraph = f"{paragraph} {', '.join(re.findall(r'(?:^| )- (`[^`]+`)', later[0]))}."
    first, *others = re.split(r"(?<=[.]) (?=[A-Z`])", paragraph)
    while others and len(first) < SHORTEST_SUMMARY:
        first = f"{first} {others.pop(0)}"
    return first.replace("|", "\\|")


def is_cut(column: Column) -> bool:
    """Tell whether the cell of a column has less than its whole description."""
    return column.summary != " ".join(column.text.split()).replace("|", "\\|")


def result_of(sql: str, database: Path) -> str:
    """Run a query on a release, and return its rows as a table in Markdown."""
    with duckdb.connect(str(database), read_only=True) as db:
        cursor = db.execute(sql)
        names = [column[0] for column in cursor.description or ()]
        rows = cursor.fetchall()
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    lines += [f"| {' | '.join(map(cell_of, row))} |" for row in rows[:ROWS_SHOWN]]
    if not rows:
        lines.append("\nNo rows: the sample has no recording of the source.")
    if len(rows) > ROWS_SHOWN:
        lines.append(f"\nThe first {ROWS_SHOWN} rows.")
    return "\n".join(lines)


def cell_of(value: object) -> str:
    """Return a value as the cell of a table; an empty cell is a null."""
    if value is None:
        return ""
    return (f"{value:.2f}" if isinstance(value, float) else str(value)).replace("|", "\\|")


def marts_of(manifest: dict[str, Any]) -> list[str]:
    """Return the names of the marts."""
    nodes = manifest["nodes"].values()
    return sorted(
        node["name"] for node in nodes if node["resource_type"] == "model" and node["schema"] == "marts"
    )


def manifest_of(release: Path) -> dict[str, Any]:
    """Return dbt's manifest of a release."""
    found: dict[str, Any] = json.loads((release / "dbt_docs" / "manifest.json").read_text(encoding="utf-8"))
    return found


def write_pages(release: Path) -> None:
    """Write all pages, and remove those of marts that are no more."""
    page = questions_page(release / DATABASE)
    (QUESTIONS / "README.md").write_text(page, encoding="utf-8")
    manifest = manifest_of(release)
    for old in PAGES.glob("*.md"):
        old.unlink()
    for mart in marts_of(manifest):
        page = page_of(mart, manifest, release / DATABASE)
        (PAGES / f"{mart}.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]) if len(sys.argv) > 1 else load_settings().published / "latest")
