"""UNCTADstat: exports and imports of services by category and trading partner, annual.

The measure is in millions of US dollars at current prices. Economies and partners are UN M49 codes as text,
four digits for aggregates (`0000` is the world); flow `01` is imports and `02` exports; categories are EBOPS
2010.

Evidenced by clients of the bulk file, 2026-08: the dimensions with the labels of economy, partner, flow and
category, the four measures, that `S` is the total, and the size (9243 pairs of economy and partner, of 208
economies: most economies report few partners). Inferred from the other reports: the order of the columns, the
three columns of each measure, the codes of economies, and that the world is a partner, `0000`.
"""

from __future__ import annotations

from warehouse.model import MEBIBYTE
from warehouse.sources._unctad_bulk import BulkReport, source_of

REPORT = BulkReport(
    name="US.TradeServCatByPartner",
    codes_of=("Year", "Economy", "Partner", "Flow", "Category"),
    # They follow from the measure that is read; the warehouse computes them within one vintage.
    ignored_measures=(
        "Percentage of total world",
        "Percentage of total trade in services",
        "Growth rate (over previous period)",
    ),
    max_bytes=512 * MEBIBYTE,
    max_expanded_bytes=4096 * MEBIBYTE,
)

SOURCE = source_of(
    "unctad_services_by_partner",
    REPORT,
    title="Trade in services by category and partner, annual",
    evidenced="2026-08: clients that name the columns; 2026-10-02: another report of the same form",
)
