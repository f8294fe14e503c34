"""UNCTADstat: population of economies and the world, annual, from 1950, in thousands.

The file reaches to 2050: years that had not ended when it was retrieved are projections, and no fact. The
urban share is not read. Codes are those of `unctad_services`.

Evidenced by public programs that read this file (2022 to 2026): they name the columns `Year`, `Economy
Label` and both measures. No copy of the file was at hand.
"""

from __future__ import annotations

from warehouse.sources._unctad_bulk import BulkReport, source_of

REPORT = BulkReport(
    name="US.PopTotal",
    codes_of=("Year", "Economy"),
    measure="Absolute value in thousands",
    spellings=(),
    ignored_measures=("Urban population as percentage of total population",),
)

SOURCE = source_of(
    "unctad_population",
    REPORT,
    title="Total population, annual",
    evidenced="2026-03: names of the columns, by several clients of this file",
)
