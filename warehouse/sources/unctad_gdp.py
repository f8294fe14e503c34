"""UNCTADstat: gross domestic product of economies and the world, annual, from 1970.

The measure is in millions of US dollars at current prices; the amounts per head and at constant prices are
not read. Codes are those of `unctad_services`.

Evidenced by two public programs that read this file: one of 2025 prints the header and the row of the
world in 1970, a client reads the four measures by name (2026-03). No copy of the file was at hand.
"""

from __future__ import annotations

from warehouse.sources._unctad_bulk import BulkReport, source_of

REPORT = BulkReport(
    name="US.GDPTotal",
    codes_of=("Year", "Economy"),
    ignored_measures=(
        "US$ at current prices per capita",
        "US$ at constant prices (2015) in millions",
        "US$ at constant prices (2015) per capita",
    ),
)

SOURCE = source_of(
    "unctad_gdp",
    REPORT,
    title="Gross domestic product, annual",
    evidenced="2026-03: the header, by two clients of this file",
)
