"""IMF: exchange rates, domestic currency per US dollar, averages of years, quarters and months.

Dataflow `IMF.STA:ER`. An average of a period is what a flow of that period is converted with; rates at the
end of a period are not requested.

Evidenced by clients of 2026 (to 2026-09): the address, the order of the key
`COUNTRY.INDICATOR.TYPE_OF_TRANSFORMATION.FREQUENCY`, the indicator `XDC_USD` (domestic currency per US
dollar), `PA_RT` (average of the period), the frequencies, months such as `2018-M01`, `G163` for the euro
area, and these figures: `NPL.XDC_USD.PA_RT.A` of 2025 is 139.12, `BGD.XDC_USD.PA_RT.M` of 2018-M01 is
82.82 and of 2026-M08 123.10, `PAK.XDC_USD.PA_RT.M` of 2018-M01 is 110.55 and of 2026-M07 277.90. One
client drops rows that are dated 1900, another drops periods in the future: both are read here, and
neither is used, since the first has no currency in the seed economy_currency, and a period that has not
ended is in no fact. Inferred: `-Q1` for quarters, as in the other dataflows of this service, and that the
other economies have their ISO alpha-3 codes. No answer is at hand.

The rate is of an economy, and not of a currency: the seed economy_currency names the currency of an
economy by year. Members of the euro area are not requested, so that no rate of a former currency is one
of the euro.
"""

from __future__ import annotations

from warehouse.sources._imf import imf_source

NAME = "imf_exchange_rates"
COUNTRIES = (
    *("AUS", "BGD", "BRA", "CAN", "CHE", "CHN", "G163", "GBR", "HKG", "IDN", "IND"),
    *("JPN", "KOR", "MEX", "NPL", "NZL", "PAK", "RUS", "SAU", "SGP", "TUR", "ZAF"),
)
KEY = (
    ("COUNTRY", COUNTRIES),
    ("INDICATOR", ("XDC_USD",)),
    ("TYPE_OF_TRANSFORMATION", ("PA_RT",)),
    ("FREQUENCY", ("A", "Q", "M")),
)

SOURCE = imf_source(
    NAME,
    "ER",
    "er.csv",
    KEY,
    title="Exchange rates: currency of 22 economies per US dollar; averages of periods",
    evidenced="2026-09: address, key, codes and single figures, by clients; no answer",
)
