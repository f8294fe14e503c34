"""BaTiS of OECD and WTO by the OECD's SDMX interface: 25 large economies with each other and the world.

Dataflow `OECD.SDD.TPS:DSD_BATIS@DF_BATIS` by SDMX 2.1. The figures are those of the bulk file that source
`batis` reads, in an answer of less than a million rows: services `S`, `SA` to `SL` and `SJ3`, annual from
2005, in millions of US dollars. `ADJUSTMENT` says which of the three values of a cell a row has: `N` the
reported one, `F` the final one (reported or estimated) and `B` the balanced one (A's exports to B equal B's
imports from A). They describe one flow and must never be added.

It is a source of its own, since the two can be of different editions: each edition of BaTiS estimates the
past anew, and a vintage with cells of two editions would have no edition at all.

Evidenced by clients of 2026 (to 2026-09-17): the address with `/v1/`, the version 1.0, the order of the key,
`+` between codes, the parameters `startPeriod` and `dimensionAtObservation`, the flows `X` and `M`, all these
codes of services, ISO alpha-3 codes of economies, `W` as the partner world, the unit `USD_EXC`, and 120
balanced values of the edition of December 2025 with the columns read here. One client compares `N`, `F` and
`B` with the reported, final and balanced columns of the bulk file. `format=csvfile` is the OECD's documented
request for SDMX-CSV; answers to it begin with the column `DATAFLOW`. The OECD allows 60 downloads an hour.

Inferred: that one answer may have as many rows (a client fetched all partners of an economy at once, and the
OECD advises to divide from ten million on); that the fourth dimension of the key, which is `S` in each
evidenced key, is named `PRODUCT_TYPE` as in the sister table of goods. It is not read, and neither are the
attributes of that table. `UNIT_MULT`, where it is sent, must be 6.

`OBS_STATUS` stays as sent: it is `I` (imputed) in all 120 rows.
"""

from __future__ import annotations

from warehouse.sources._sdmx import SdmxTable, source_of

NAME = "batis_sdmx"
ADDRESS = "https://sdmx.oecd.org/public/rest/v1/data/OECD.SDD.TPS,DSD_BATIS@DF_BATIS,1.0"
REPORTERS = (
    *("ARG", "AUS", "BRA", "CAN", "CHE", "CHN", "DEU", "ESP", "FRA", "GBR", "HKG", "IDN", "IND", "IRL"),
    *("ITA", "JPN", "KOR", "MEX", "NLD", "RUS", "SAU", "SGP", "TUR", "USA", "ZAF"),
)
PARTNERS = (*REPORTERS, "W")
SERVICES = ("S", "SA", "SB", "SC", "SD", "SE", "SF", "SG", "SH", "SI", "SJ", "SJ3", "SK", "SL")
KEY = (
    ("REF_AREA", REPORTERS),
    ("COUNTERPART_AREA", PARTNERS),
    ("TRADE_FLOW", ("X", "M")),
    ("PRODUCT_TYPE", ("S",)),
    ("SERVICE", SERVICES),
    ("FREQ", ("A",)),
    ("UNIT_MEASURE", ("USD_EXC",)),
    ("ADJUSTMENT", ("B", "F", "N")),
)
READ = tuple((name, codes) for name, codes in KEY if name != "PRODUCT_TYPE")

TABLE = SdmxTable(
    source=NAME,
    flow="OECD.SDD.TPS:DSD_BATIS@DF_BATIS",
    url=f"{ADDRESS}/{'.'.join('+'.join(codes) for _, codes in KEY)}",
    file="batis.csv",
    params=(
        ("startPeriod", "2005"),
        ("dimensionAtObservation", "AllDimensions"),
        ("format", "csvfile"),
    ),
    dimensions={name: name.lower() for name, _ in READ},
    attributes={"OBS_STATUS": "obs_status", "UNIT_MULT": "unit_mult"},
    ignored=("PRODUCT_TYPE", "METHODOLOGY_TYPE", "DECIMALS"),
    expected=tuple((name.lower(), codes) for name, codes in READ),
)

SOURCE = source_of(
    TABLE,
    title="Balanced trade in services (BaTiS, BPM6) by SDMX, 25 economies, annual",
    publisher="OECD and WTO",
    homepage="https://www.oecd.org/en/data/datasets/balanced-trade-in-services-batis.html",
    licence="OECD and WTO terms of use",
    evidenced="2026-09-17: address, key, codes and columns, by clients; 120 rows of December 2025",
)
