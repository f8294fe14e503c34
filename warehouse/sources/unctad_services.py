"""UNCTADstat: exports and imports of services by category, world as partner, annual, from 2005.

The measure is in millions of US dollars at current prices. Economies are UN M49 codes as text, four digits
for aggregates (`0000` is the world); flow `01` is imports and `02` exports; categories are EBOPS 2010.

Address and layout last evidenced: 2026-10-02, by another report of the same form; name of the measure: August
2026.
"""

from __future__ import annotations

from warehouse.sources._unctad_bulk import BulkReport, source_of

REPORT = BulkReport(
    name="US.TradeServCatTotal",
    codes_of=("Year", "Economy", "Flow", "Category"),
    # They follow from the measure that is read; the warehouse computes them within one vintage.
    ignored_measures=(
        "Percentage of total world",
        "Percentage of total trade in services",
        "Percentage of Gross Domestic Product",
        "Growth rate (over previous period)",
    ),
)

SOURCE = source_of(
    "unctad_services",
    REPORT,
    title="Trade in services by category, annual",
    evidenced="2026-10-02: another report of the same form; the measure's new name, 2026-08",
)
