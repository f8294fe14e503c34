"""WTO: commercial services by sector and partner (BPM6, EBOPS 2010), annual, from 2005.

The same 23 columns as the merchandise file. `ITS_CS_AX6` are exports and `ITS_CS_AM6` imports; product `S` is
the total; the items of EBOPS 2010 and their sub-items (`SC1`, `SI221`) are beside it. Values are in millions
of US dollars.

Ignored: `ITS_CS_AX5` and `ITS_CS_AM5`, the BPM5 series that ended in 2013, and the rows of classification
`BOP5`. They overlap the BPM6 series.
"""

from __future__ import annotations

from functools import partial

from warehouse.model import MEBIBYTE, Source
from warehouse.sources._wto_bulk import COLUMNS, CONTRACT, KEY, BulkReport, plan, read

NAME = "wto_services"

REPORT = BulkReport(
    name="services_annual_dataset",
    expected=(
        ("indicator_code", ("ITS_CS_AX6", "ITS_CS_AM6")),
        ("product_classification_code", ("BOP6",)),
    ),
    ignored=(
        ("indicator_code", ("ITS_CS_AX5", "ITS_CS_AM5")),
        ("product_classification_code", ("BOP5",)),
    ),
    max_bytes=512 * MEBIBYTE,
    max_expanded_bytes=16384 * MEBIBYTE,
)

SOURCE = Source(
    name=NAME,
    title="Commercial services by sector and partner, annual",
    publisher="WTO",
    table=REPORT.name,
    homepage="https://stats.wto.org/",
    licence="WTO terms of use (attribution)",
    contract=CONTRACT,
    evidenced="2026-06-01: HTTP 200, Last-Modified 2026-04-22; no recording is at hand",
    columns=COLUMNS,
    key=KEY,
    plan=partial(plan, REPORT),
    read=partial(read, REPORT, NAME),
)
