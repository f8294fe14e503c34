"""UNCTADstat: exports and imports of digitally deliverable services, by economy and the world, annual.

The measure is in millions of US dollars at current prices. Economies and flows have the codes of
`unctad_services`. Categories are the total and services that are part of it. Staging uses the total alone, as
the service `DDS`; the parts stay in the raw table. The total is the category whose rows all state 100 as
their percentage of total digitally deliverable services, so that no code of UNCTAD's has to be known.

Evidenced by clients of the bulk file and of the keyed interface (to 2026-08): the name of the report, the
dimensions with the labels of economy, flow and category, that these identify a row, the four measures, and
the size (281,579 figures in 20,876 series). Inferred from the other reports: the order of the columns, and
the three columns of each measure. Not evidenced: the codes and labels of the categories (the report of ocean
services has EBOPS 2010 codes, and a code of its own for its total), and that the total states its share. A
file without such a category is rejected, with the categories that it has.
"""

from __future__ import annotations

from warehouse.sources._unctad_bulk import BulkReport, source_of

REPORT = BulkReport(
    name="US.DigitallyDeliverableServices",
    codes_of=("Year", "Economy", "Flow", "Category"),
    values_of=(("Percentage of total digitally deliverable services", "share_of_digital_pct"),),
    # They follow from the measure that is read; the warehouse computes them within one vintage.
    ignored_measures=("Percentage of total trade in services", "Percentage change (year-on-year)"),
)

SOURCE = source_of(
    "unctad_digital",
    REPORT,
    title="Trade in digitally deliverable services, annual",
    evidenced="2026-08: names of the columns, by several clients; no codes of categories",
)
