"""Eurostat: trade in services of the European Union and its members with China, annual, million euro.

Table `bop_its6_det` (international trade in services since 2010, BPM6), by Eurostat's SDMX 3.0 interface.
Its filters name the dimension (`c[geo]=…`), so that the order of the dimensions does not matter. The figures
are the Union's and each member's own for a flow that BaTiS and others state from China's side.

Evidenced: the interface, its filters and its header `STRUCTURE,STRUCTURE_ID,freq,…,TIME_PERIOD,OBS_VALUE,
OBS_FLAG,CONF_STATUS` by clients of other tables (2026-07 to 2026-10); the dimensions `currency` (`MIO_EUR`),
`bop_item` (`S`, `SC`, `SJ312`), `stk_flow` (`CRE`, `DEB`, `BAL`), `partner` and `geo` (`EU27_2020`, `HU`) of
this table by clients that ask for them by name; and that its partner China is `CN_X_HK` (without Hong Kong,
as in China's own figures), while `CN` has no cell, by a client that received cells (2026-09-21). Inferred:
that all items from `SA` to `SL` are published for each reporter. No answer of this table is at hand.

A reporter is a code of two letters (`EL` is Greece) or `EU27_2020`, the Union of 27 members in all years.
`CRE` are exports and `DEB` imports, both positive. A value that is confidential or not available has an empty
`OBS_VALUE`. `OBS_FLAG` has one or several letters, `CONF_STATUS` `C` or nothing: staging joins both to the
status, and `e` makes a value an estimate.
"""

from __future__ import annotations

from warehouse.sources._sdmx import SdmxTable, source_of

NAME = "eurostat_bop"
ADDRESS = "https://ec.europa.eu/eurostat/api/dissemination/sdmx/3.0/data/dataflow/ESTAT/bop_its6_det/1.0"
ITEMS = ("S", "SA", "SB", "SC", "SD", "SE", "SF", "SG", "SH", "SI", "SJ", "SK", "SL")
FLOWS = ("CRE", "DEB")
PARTNERS = ("CN_X_HK",)  # China except Hong Kong
REPORTERS = (
    *("EU27_2020", "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "HR", "HU", "IE"),
    *("IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
)
FILTERS = (
    ("freq", ("A",)),
    ("currency", ("MIO_EUR",)),
    ("bop_item", ITEMS),
    ("stk_flow", FLOWS),
    ("partner", PARTNERS),
    ("geo", REPORTERS),
)

TABLE = SdmxTable(
    source=NAME,
    flow="ESTAT:BOP_ITS6_DET",
    url=ADDRESS,
    file="bop_its6_det.csv",
    params=(
        *((f"c[{name}]", ",".join(codes)) for name, codes in FILTERS),
        ("compress", "false"),
        ("format", "csvdata"),
        ("formatVersion", "2.0"),
        ("lang", "en"),
        ("labels", "id"),
    ),
    dimensions={name: name for name, _ in FILTERS},
    attributes={"OBS_FLAG": "obs_flag", "CONF_STATUS": "conf_status"},
    expected=FILTERS,
)

SOURCE = source_of(
    TABLE,
    title="International trade in services of the EU and its members with China (BPM6), annual",
    publisher="Eurostat",
    name_of_table="bop_its6_det",
    homepage="https://ec.europa.eu/eurostat/databrowser/view/bop_its6_det/default/table",
    licence="CC BY 4.0",
    evidenced="2026-07 to 2026-10: interface and header, by clients of other tables; no answer of this table",
)
