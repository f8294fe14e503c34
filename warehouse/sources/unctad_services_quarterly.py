"""UNCTADstat: exports and imports of services by main category, world as partner, quarterly.

The measure is in millions of US dollars at current prices, not seasonally adjusted. Codes are those of
`unctad_services`.

Evidenced by a public client's transformation of this file (by 2026-03): the header with `Period`, `Period
Label` and the four measures. The form `2024Q01` of a period's code is that of two clients, of 2025 and 2026,
of UNCTAD's other interfaces. No copy of the file was at hand.
"""

from __future__ import annotations

from warehouse.sources._unctad_bulk import BulkReport, source_of

REPORT = BulkReport(
    name="US.TotAndComServicesQuarterly",
    codes_of=("Period", "Economy", "Flow", "Category"),
    ignored_measures=(
        "Growth rate, year-on-year",
        "US$ at current prices, seasonally adjusted, in millions",
        "Growth rate (over previous period), seasonally adjusted",
    ),
)

SOURCE = source_of(
    "unctad_services_quarterly",
    REPORT,
    title="Trade in services by main category, quarterly",
    evidenced="2026-03: the header, by a client of this file; the form of a quarter, by two others",
)
