"""IMF: balance of payments (BPM6), services by item, quarterly, in US dollars, of 25 large economies.

Dataflow `IMF.STA:BOP`. The series are what the economies' own compilers report to the IMF: quarters by item
for peers of China, by one method.

Evidenced by clients of 2026 (to 2026-09-16): the address, the order of the key
`COUNTRY.BOP_ACCOUNTING_ENTRY.INDICATOR.UNIT.FREQUENCY`, `+` between codes, the entries `CD_T` (credit) and
`DB_T` (debit), the indicators `S`, `SD`, `SI`, `SJ`, ISO alpha-3 codes for these 25 economies, the header
`DATAFLOW,COUNTRY,…,TIME_PERIOD,OBS_VALUE,…` of version 1.0, and periods such as `2025-Q4`. Values are in US
dollars: `SCALE` is 6, and the values are whole dollars all the same (the current account of the United
States in 2026-Q1 is -195171000000), so that no multiplier is applied. Inferred: that the other indicators
from `SA` to `SL` have these codes, as in the global classification that the seen ones follow; that debits
are positive; which of `OBS_STATUS` and `STATUS` holds the flag, so that both are read. No answer with
services is at hand.
"""

from __future__ import annotations

from warehouse.sources._imf import imf_source

NAME = "imf_bop"
COUNTRIES = (
    *("ARG", "AUS", "BRA", "CAN", "CHE", "CHN", "DEU", "ESP", "FRA", "GBR", "HKG", "IDN", "IND"),
    *("IRL", "ITA", "JPN", "KOR", "MEX", "NLD", "RUS", "SAU", "SGP", "TUR", "USA", "ZAF"),
)
ITEMS = ("S", "SA", "SB", "SC", "SD", "SE", "SF", "SG", "SH", "SI", "SJ", "SK", "SL")
KEY = (
    ("COUNTRY", COUNTRIES),
    ("BOP_ACCOUNTING_ENTRY", ("CD_T", "DB_T")),
    ("INDICATOR", ITEMS),
    ("UNIT", ("USD",)),
    ("FREQUENCY", ("Q",)),
)

SOURCE = imf_source(
    NAME,
    "BOP",
    "bop.csv",
    KEY,
    title="Balance of payments (BPM6): services by item, quarterly, 25 economies",
    evidenced="2026-09-16: address, key and header, by clients of other items; no answer with services",
)
