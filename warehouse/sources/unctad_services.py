"""UNCTADstat: exports and imports of services by category, world as partner, annual, from 2005.

The measure is in millions of US dollars at current prices. Economies are UN M49 codes as text, four digits
for aggregates (`0000` is the world); flow `01` is imports and `02` exports; categories are EBOPS 2010.

Address and layout last evidenced: 2026-10-02, by another report of the same form; name of the measure: August
2026.
"""

from __future__ import annotations

from functools import partial

from warehouse.model import MEBIBYTE, Source
from warehouse.sources._unctad_bulk import MEASURE, MEASURE_SPELLINGS, BulkReport, plan, read

NAME = "unctad_services"

REPORT = BulkReport(
    name="US.TradeServCatTotal",
    dimensions=(
        ("Year", "year"),
        ("Economy", "economy"),
        ("Economy Label", "economy_label"),
        ("Flow", "flow"),
        ("Flow Label", "flow_label"),
        ("Category", "category"),
        ("Category Label", "category_label"),
    ),
    measure=MEASURE,
    spellings=MEASURE_SPELLINGS,
    # They follow from the measure that is read; the warehouse computes them within one vintage.
    ignored_measures=(
        "Percentage of total world",
        "Percentage of total trade in services",
        "Percentage of Gross Domestic Product",
        "Growth rate (over previous period)",
    ),
    max_bytes=128 * MEBIBYTE,
    max_expanded_bytes=2048 * MEBIBYTE,
)

SOURCE = Source(
    name=NAME,
    title="Trade in services by category, annual",
    publisher="UNCTAD",
    table=REPORT.name,
    homepage="https://unctadstat.unctad.org/datacentre/reportInfo/US.TradeServCatTotal",
    licence="CC BY 3.0 IGO (UNCTADstat terms of use)",
    contract=REPORT.contract,
    evidenced="2026-10-02: another report of the same form; the measure's new name, 2026-08",
    columns=REPORT.columns,
    key=("year", "economy", "flow", "category"),
    plan=partial(plan, REPORT),
    read=partial(read, REPORT, NAME),
)
