"""UNCTADstat: exchange rates of all economies by year, each economy with each foreign economy.

Staging uses the rows whose foreign economy is the United States, as units of the economy's currency for a
dollar; all rows stay in the raw table. `int_exchange_rate` takes a rate where the IMF has none.

Evidenced by clients of the file of 2023 and of the report in 2026: the name of the report, `Year`, `Economy`
and `ForeignEconomy` with both labels, the measure `National currency at current prices` (one client names it
with `Exchange rate` before it), the code 842 of the United States (other reports have 840), and the size:
2,516,166 figures in 55,513 series, of years.

Inferred: the order of the columns and the three of the measure, from other reports; that a rate is units of
the currency of `Economy` for one of the currency of `ForeignEconomy`, from the measure's name and a client's
use. Not evidenced: that it is the average of the year, which conversion needs. The suite checks both, and
rejects a file of inverse rates or of rates of the end of the year. The currency of a rate is not stated: it
is that of the seed economy_currency, which has none for members of the euro area, nor for the area here.
"""

from __future__ import annotations

from warehouse.sources._unctad_bulk import BulkReport, source_of

REPORT = BulkReport(
    name="US.ExchangeRateCrosstab",
    codes_of=("Year", "Economy", "ForeignEconomy"),
    measure="National currency at current prices",
    spellings=("Exchange rate national currency at current prices",),
    ignored_measures=(),
)

SOURCE = source_of(
    "unctad_exchange_rates",
    REPORT,
    title="Exchange rates of economies with each other, annual",
    evidenced="2026: names of the columns, by several clients; not the kind of rate",
)
