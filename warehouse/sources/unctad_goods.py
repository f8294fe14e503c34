"""UNCTADstat: total exports and imports of merchandise, annual, from 1948.

The measure is in millions of US dollars at current prices. Economies are UN M49 codes as text, four digits
for aggregates (`0000` is the world); flow `01` is imports and `02` exports.

Address and layout last evidenced: 2026-10-02, by another report of the same form; this table by a copy of
2026-03-19.
"""

from __future__ import annotations

from warehouse.model import MEBIBYTE
from warehouse.sources._unctad_bulk import BulkReport, source_of

REPORT = BulkReport(
    name="US.TradeMerchTotal",
    codes_of=("Year", "Economy", "Flow"),
    # They follow from the measure that is read; the warehouse computes them within one vintage.
    ignored_measures=("Percentage of total world",),
    max_bytes=64 * MEBIBYTE,
    max_expanded_bytes=512 * MEBIBYTE,
)

SOURCE = source_of(
    "unctad_goods",
    REPORT,
    title="Total merchandise trade, annual",
    evidenced="2026-10-02: another report of the same form",
)
