"""WTO: merchandise exports and imports by product group, world as partner, annual, from 1948.

The raw table has all rows: 18 product groups (`TO` total merchandise, `AG`, `AGFO`, `MI`, `MIFU`, `MA` and
its parts) and, for the European Union, trade within itself (partner `918`) and with others (`EUT`).

Staging uses the rows of `TO` with the world, as goods. The product groups overlap (food is part of
agricultural products), and the other two partners are parts of the European Union's row, so neither is
staged.

Values are in millions of US dollars, whole numbers.
"""

from __future__ import annotations

from functools import partial

from warehouse.model import MEBIBYTE, Source
from warehouse.sources._wto_bulk import COLUMNS, CONTRACT, KEY, BulkReport, plan, read

NAME = "wto_merchandise"

REPORT = BulkReport(
    name="merchandise_values_annual_dataset",
    expected=(
        ("indicator_category", ("Merchandise trade values",)),
        ("indicator_code", ("ITS_MTV_AX", "ITS_MTV_AM")),
        ("product_classification_code", ("SITC3",)),
    ),
    ignored=(),
    max_bytes=64 * MEBIBYTE,
    max_expanded_bytes=1024 * MEBIBYTE,
)

SOURCE = Source(
    name=NAME,
    title="Merchandise trade values, annual",
    publisher="WTO",
    table=REPORT.name,
    homepage="https://stats.wto.org/",
    licence="WTO terms of use (attribution)",
    contract=CONTRACT,
    evidenced="2026-06-01: HTTP 200, Last-Modified 2026-04-22",
    columns=COLUMNS,
    key=KEY,
    plan=partial(plan, REPORT),
    read=partial(read, REPORT, NAME),
)
