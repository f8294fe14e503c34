"""UNCTADstat: early estimates of the annual exports and imports of services, made from quarterly figures.

The measure is in millions of US dollars at current prices. Codes are those of `unctad_services`. All
figures are estimates: they come before those of the annual table, which replace them.

Evidenced is the name of the report alone, by two public catalogues of UNCTAD's reports (2026-03). Its
header is inferred from the form that all other reports have, with the codes of the annual table; a file of
another form is rejected with the names of its columns. No copy of the file was at hand.
"""

from __future__ import annotations

from warehouse.sources._unctad_bulk import BulkReport, source_of

REPORT = BulkReport(
    name="US.TradeServCatQuarterlyAnnualized",
    codes_of=("Year", "Economy", "Flow", "Category"),
    ignored_measures=(),
)

SOURCE = source_of(
    "unctad_services_annualized",
    REPORT,
    title="Trade in services by category, annual estimates from quarters",
    evidenced="2026-03: the report's name, by two catalogues; the header is inferred",
)
