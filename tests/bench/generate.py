"""Write a synthetic edition of BaTiS: the OECD's layout and codes, invented figures, any number of rows.

    PYTHONPATH=tests python -m bench.generate 1000000 /tmp/edition.zip

The file is for measurements only. The CSV in the archive is named `SYNTHETIC_…`; no figure in it is a
publisher's.

Each of `E` economies reports its trade with every other one and with the world, in 31 items, two flows and
the years 2005 to 2024. This makes 1 240 `E`² rows; `E` is the largest number that the size allows. The rest
are rows of partners that no longer exist, with three empty cells. All amounts are whole US dollars, printed
in millions with six decimals, so sums are exact:

* the items add up to `S`, and the partners to the world;
* the balanced exports of a to b are the balanced imports of b from a;
* 3.5 % of the cells of a pair have a reported value, 92 % a final one.

The same size and seed give the same bytes with the same version of DuckDB.
"""

from __future__ import annotations

import shutil
import sys
import zipfile
from math import isqrt
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from warehouse.config import DBT_PROJECT_DIR
from warehouse.sources.batis import LAYOUTS

SEED = 20251231
FULL_EDITION = 50_172_380
SIZES = {
    **{f"{millions}million": millions * 1_000_000 for millions in (1, 5, 10, 25)},
    "full": FULL_EDITION,
}
MEMBER = "SYNTHETIC_OECD-WTO_BATIS_BPM6_bulk.csv"
FIRST_YEAR, LAST_YEAR = 2005, 2024
MIN_ECONOMIES = 3  # with fewer, China's imports are below the order of magnitude that the load gate expects

# The parts that nothing is a part of, and their weights; an item is the sum of the leaves under it.
LEAVES = {
    **{"SA": 20, "SB": 15, "SC1": 70, "SC2": 60, "SC3": 30, "SC4": 6, "SDA": 40, "SDB": 160, "SE": 20},
    **{"SF": 35, "SG": 95, "SH": 75, "SI1": 25, "SI2": 110, "SI3": 10, "SJ1": 40, "SJ2": 80, "SJ3": 75},
    **{"SK1": 10, "SK2": 12, "SL": 12},
}
MAIN = tuple(f"S{letter}" for letter in "ABCDEFGHIJKL")
DERIVED = {"SOX": "ABCDEFGHIJK", "SOX1": "EFGHIJK", "SPX1": "EFGHIJKL", "SPX4": "AB"}
ITEMS = (*dict.fromkeys(("S", *MAIN, *LEAVES)), *DERIVED)
# The largest economies first, so that a small edition has them; the others follow by code.
FIRST = ("CHN", "USA", "DEU", "GBR", "FRA", "IND", "JPN", "IRL", "SGP", "NLD", "HKG", "KOR", "TWN", "RUS")
# With few economies, China's trade with each is large. The release gate compares it with what these three
# state themselves, so a small edition does not have them.
NOT_IN_SMALL, SMALL = ("USA", "GBR", "AUS"), 16
CELLS_OF_PAIR = len(ITEMS) * 2 * (LAST_YEAR - FIRST_YEAR + 1)

# An economy's trade with the world, in US dollars of 2015.
ECONOMIES = """
create table economy as
with known as (
    select
        codes.code,
        row_number() over (order by coalesce(list_position($first, codes.code), 999), codes.code) as place
    from read_csv($codes, all_varchar = true, header = true) as codes
    inner join read_csv($economies, all_varchar = true, header = true) as names using (economy)
    where codes.scheme = 'batis' and names.economy_type = 'economy'
        and not list_contains($left_out, codes.code)
)

select
    place,
    code,
    case when code = 'CHN' then 200e9 else 300e9 / place end as exports_usd,
    case when code = 'CHN' then 350e9 else 300e9 / place end as imports_usd
from known
where place <= $count
"""
GONE = """
select codes.code
from read_csv($codes, all_varchar = true, header = true) as codes
inner join read_csv($economies, all_varchar = true, header = true) as names using (economy)
where codes.scheme = 'batis' and names.economy_type in ('dissolved', 'residual')
order by names.economy_type, codes.code
"""
# All rows of one reporter. Its exports are divided among the others by the imports of each. The factors of
# reported and final values are the same for all items of a pair, flow and year, so that the items add up.
ROWS = """
copy (
    with pairs as (
        select
            partners.code as partner,
            flows.flow,
            years.year,
            exporter.exports_usd * importer.imports_usd
            / ((select sum(imports_usd) from economy) - exporter.imports_usd)
            * pow(1.04, years.year - 2015) as usd,
            concat_ws(' ', $seed, exporter.code, importer.code, years.year) as pair,
            concat_ws(' ', $seed, $reporter, partners.code, flows.flow, years.year) as statement
        from economy as partners
        cross join (values ('EXP'), ('IMP')) as flows (flow)
        cross join (select unnest(range($first_year, $last_year + 1)) as year) as years
        inner join economy as exporter
            on exporter.code = case when flows.flow = 'EXP' then $reporter else partners.code end
        inner join economy as importer
            on importer.code = case when flows.flow = 'EXP' then partners.code else $reporter end
        where partners.code <> $reporter
    ),

    amounts as (
        select
            pairs.partner,
            pairs.flow,
            pairs.year,
            leaf.code as leaf,
            cast(
                floor(
                    pairs.usd * leaf.weight
                    * cast(750 + hash(concat(pairs.pair, ' ', leaf.code)) % 501 as double) / 1e6
                ) as bigint
            ) as balanced,
            balanced * cast(900 + hash(concat(pairs.statement, ' reported')) % 201 as bigint) // 1000
                as reported,
            case
                when hash(concat(pairs.statement, ' is reported')) % 1000 < 35 then reported
                else balanced * cast(900 + hash(concat(pairs.statement, ' final')) % 201 as bigint) // 1000
            end as final
        from pairs
        cross join leaf
    ),

    with_world as (
        select * from amounts
        union all
        select 'W', flow, year, leaf, sum(balanced), sum(reported), sum(final)
        from amounts
        group by flow, year, leaf
    ),

    sums as (
        select
            with_world.partner,
            with_world.flow,
            item.item,
            with_world.year,
            any_value(item.type) as type,
            cast(sum(with_world.balanced) as bigint) as balanced,
            cast(sum(with_world.reported) as bigint) as reported,
            cast(sum(with_world.final) as bigint) as final
        from with_world
        inner join item on with_world.leaf = item.leaf
        group by with_world.partner, with_world.flow, item.item, with_world.year
    ),

    stated as (
        select
            *,
            concat_ws(' ', $seed, $reporter, partner, flow, year) as statement,
            hash(concat(statement, ' is reported')) % 1000 < 35 as is_reported,
            hash(concat(statement, ' is final')) % 1000 < 917 or is_reported as is_final,
            cast(hash(concat(statement, ' method')) % 3 as integer) as method
        from sums
    )

    select
        $reporter, 'c', partner, case when partner = 'W' then 'g' else 'c' end, flow, item, type, year,
        case when is_reported then millions(reported) end,
        case when is_reported then millions(reported) when is_final then millions(final) end,
        case when is_reported then 'R_NAT' when is_final then ['E0', 'E1', 'E12'][method + 1] end,
        millions(balanced)
    from stated
    order by partner, flow, item, year
) to '{file}' (format csv, header false)
"""
EMPTY_ROWS = """
copy (
    select
        economy.code, 'c', gone.code, 'c', flows.flow, items.item, items.type, years.year,
        null, null, null, null
    from economy
    cross join (select unnest($gone) as code) as gone
    cross join (values ('EXP'), ('IMP')) as flows (flow)
    cross join (select distinct item, type from item) as items
    cross join (select unnest(range($first_year, $last_year + 1)) as year) as years
    order by gone.code, economy.code, flows.flow, items.item, years.year
    limit $count
) to '{file}' (format csv, header false)
"""


def rows_of(size: str) -> int:
    """Return the number of rows of a size: a name in SIZES, or a number."""
    if size in SIZES:
        return SIZES[size]
    if not size.replace("_", "").isdecimal():
        raise ValueError(f"the size {size!r} is neither a number of rows nor one of {', '.join(SIZES)}")
    return int(size)


def economies_of(rows: int) -> int:
    """Return the largest number of economies whose bilateral trade takes at most `rows` rows."""
    count = isqrt(rows // CELLS_OF_PAIR)
    if count < MIN_ECONOMIES:
        raise ValueError(
            f"an edition of {rows} rows is too small: {MIN_ECONOMIES} economies take "
            f"{MIN_ECONOMIES**2 * CELLS_OF_PAIR}"
        )
    return count


def generate(rows: int, archive: Path, seed: int = SEED) -> int:
    """Write the zip archive of an edition with `rows` rows; return the size of its CSV in bytes.

    Raises ValueError if the size is too small, or larger than the codes of the seeds allow.
    """
    economies = economies_of(rows)
    seeds = DBT_PROJECT_DIR / "seeds"
    tables = {"codes": str(seeds / "economy_code.csv"), "economies": str(seeds / "economies.csv")}
    years = {"first_year": FIRST_YEAR, "last_year": LAST_YEAR}
    with TemporaryDirectory(dir=archive.parent) as work, duckdb.connect() as db:
        part = Path(work) / "part.csv"
        db.execute(f"set temp_directory = '{work}'")
        left_out = list(NOT_IN_SMALL) if economies < SMALL else []
        db.execute(ECONOMIES, {**tables, "first": list(FIRST), "left_out": left_out, "count": economies})
        reporters = [code for (code,) in db.execute("select code from economy order by code").fetchall()]
        gone = [code for (code,) in db.execute(GONE, tables).fetchall()]
        empty = rows - economies**2 * CELLS_OF_PAIR
        if len(reporters) < economies or empty > len(gone) * economies * CELLS_OF_PAIR:
            raise ValueError(f"an edition of {rows} rows needs more economies than the seeds have")
        _define_items(db)
        info = zipfile.ZipInfo(MEMBER, (2025, 12, 31, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(archive, "w") as packed, packed.open(info, "w", force_zip64=True) as member:
            member.write((",".join(LAYOUTS["oecd"]) + "\n").encode())
            for reporter in reporters:
                db.execute(ROWS.format(file=part), {"seed": str(seed), "reporter": reporter, **years})
                with part.open("rb") as file:
                    shutil.copyfileobj(file, member, 1 << 20)
            db.execute(EMPTY_ROWS.format(file=part), {"gone": gone, "count": empty, **years})
            with part.open("rb") as file:
                shutil.copyfileobj(file, member, 1 << 20)
    with zipfile.ZipFile(archive) as packed:
        return packed.getinfo(MEMBER).file_size


def _define_items(db: duckdb.DuckDBPyConnection) -> None:
    db.execute("create table leaf (code varchar, weight bigint)")
    db.executemany("insert into leaf values (?, ?)", [list(pair) for pair in LEAVES.items()])
    db.execute("create table item (item varchar, type varchar, leaf varchar)")
    for item in ITEMS:
        under = tuple(f"S{letter}" for letter in DERIVED[item]) if item in DERIVED else (item,)
        for leaf in (leaf for leaf in LEAVES if leaf.startswith(under)):
            db.execute("insert into item values (?, ?, ?)", [item, "d" if item in DERIVED else "s", leaf])
    db.execute("""
        create macro millions(usd) as
        concat(cast(usd // 1000000 as varchar), '.', lpad(cast(usd % 1000000 as varchar), 6, '0'))""")


if __name__ == "__main__":
    written = generate(rows_of(sys.argv[1]), Path(sys.argv[2]))
    print(f"{sys.argv[2]}: {written} bytes of CSV, synthetic")
