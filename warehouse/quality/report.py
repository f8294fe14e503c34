"""The validation report of a release: one self-contained HTML page, `index.html`, that loads nothing.

It opens from a file, without a network. The template is `report.html.j2` beside this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from warehouse.files import write_atomic
from warehouse.quality.suites import Expectation, Suite
from warehouse.verdict import Finding

PAGE = "index.html"
TEMPLATE = "report.html.j2"


def write_report(folder: Path, suites: Sequence[Suite], findings: Sequence[Finding]) -> Path:
    """Write the report of a release's findings as `index.html` into a folder; return its path.

    The suites give the definition of each expectation. Raises OSError if the page cannot be written whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / PAGE
    write_atomic(page, render_report(suites, findings))
    return page


def render_report(suites: Sequence[Suite], findings: Sequence[Finding]) -> str:
    """Return the report as HTML: failed tables first, in each table failed expectations first."""
    definitions = {
        (suite.name, expectation.name): _definition(expectation)
        for suite in suites
        for expectation in suite.expectations
    }
    tables = [
        _table(name, [f for f in findings if f.table == name], definitions)
        for name in dict.fromkeys(finding.table for finding in findings)
    ]
    tables.sort(key=lambda table: table["failed"] == 0)
    environment = Environment(
        loader=PackageLoader("warehouse.quality", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE).render(
        tables=tables,
        total=len(findings),
        met=sum(finding.success for finding in findings),
        failed=sum(not finding.success for finding in findings),
        known=sum(finding.known_from is not None for finding in findings),
    )


def _table(
    name: str, findings: Sequence[Finding], definitions: Mapping[tuple[str, str], str]
) -> dict[str, Any]:
    """Return what the template shows of one table."""
    rows = [
        {"finding": finding, "definition": definitions.get((name, finding.expectation), "")}
        for finding in sorted(findings, key=lambda finding: finding.success)
    ]
    failed = sum(not finding.success for finding in findings)
    return {"name": name, "rows": rows, "met": len(findings) - failed, "failed": failed}


def _definition(expectation: Expectation) -> str:
    """Return the text of an expectation's query, or its type and arguments as YAML."""
    if expectation.query is not None:
        return expectation.query.strip()
    definition = {"type": expectation.type, "kwargs": expectation.kwargs}
    return yaml.safe_dump(definition, sort_keys=False, allow_unicode=True).strip()
