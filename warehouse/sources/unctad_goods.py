"""UNCTADstat: total exports and imports of merchandise, annual, from 1948.

The measure is in millions of US dollars at current prices. Economies are UN M49 codes as text, four digits
for aggregates (`0000` is the world); flow `01` is imports and `02` exports.

Address and layout last evidenced: 2026-10-02, by another report of the same form; this table by a copy of
2026-03-19.
"""

from __future__ import annotations

from functools import partial

from warehouse.model import MEBIBYTE, Source
from warehouse.sources._unctad_bulk import MEASURE, MEASURE_SPELLINGS, BulkReport, plan, read

NAME = "unctad_goods"

REPORT = BulkReport(
    name="US.TradeMerchTotal",
    dimensions=(
        ("Year", "year"),
        ("Economy", "economy"),
        ("Economy Label", "economy_label"),
        ("Flow", "flow"),
        ("Flow Label", "flow_label"),
    ),
    measure=MEASURE,
    spellings=MEASURE_SPELLINGS,
    # They follow from the measure that is read; the warehouse computes them within one vintage.
    ignored_measures=("Percentage of total world",),
    max_bytes=64 * MEBIBYTE,
    max_expanded_bytes=512 * MEBIBYTE,
)

SOURCE = Source(
    name=NAME,
    title="Total merchandise trade, annual",
    publisher="UNCTAD",
    table=REPORT.name,
    homepage="https://unctadstat.unctad.org/datacentre/reportInfo/US.TradeMerchTotal",
    licence="CC BY 3.0 IGO (UNCTADstat terms of use)",
    contract=REPORT.contract,
    evidenced="2026-10-02: another report of the same form",
    columns=REPORT.columns,
    key=("year", "economy", "flow"),
    plan=partial(plan, REPORT),
    read=partial(read, REPORT, NAME),
)
