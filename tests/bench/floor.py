"""The floor: what DuckDB alone needs for the tables of bilateral trade, from the same CSV.

    python -m bench.floor EDITION.csv DIRECTORY THREADS

Reads the CSV as text, makes an observation of each stated value with its economies, and writes as Parquet
the bilateral fact, the partner mart (share, growth, contribution, rank, total, balance) and the mirror. There
are no checks, no lineage, no names, no documentation and no other source.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from warehouse.config import DBT_PROJECT_DIR

SCRIPT = """
create table economy_code as
select code, economy from read_csv('{codes}', all_varchar = true, header = true) where scheme = 'batis';

create table economy as
select economy, economy_type in ('economy', 'dissolved') as is_economy
from read_csv('{economies}', all_varchar = true, header = true);

create table raw as select * from read_csv('{csv}', all_varchar = true, header = true);

create table observation as
with cells as (
    select *, 'reported' as value_type, Reported_value as text from raw where Reported_value is not null
    union all
    select *, 'final', Final_value from raw where Final_value is not null
    union all
    select *, 'balanced', Balanced_value from raw where Balanced_value is not null
)

select
    reporters.economy as reporter,
    partners.economy as partner,
    cells.Item_code as service,
    case cells.Flow when 'EXP' then 'exports' when 'IMP' then 'imports' end as flow,
    make_date(cast(cells.Year as integer), 1, 1) as period_start,
    cells.value_type,
    case when cells.value_type = 'final' then cells.Methodology end as status,
    cast(cells.text as decimal(38, 18)) as value
from cells
inner join economy_code as reporters on cells.Reporter = reporters.code
inner join economy_code as partners on cells.Partner = partners.code;

copy (select * from observation where partner <> 'WLD')
to '{out}/fct_bilateral_services_trade.parquet' (compression zstd);

copy (
    with trade as (
        select observation.*, economy.is_economy
        from observation inner join economy on observation.partner = economy.economy
        where observation.partner <> 'WLD'
    ),

    worlds as (
        select * from observation where partner = 'WLD'
    ),

    cells as (
        select
            reporter, partner, service, period_start, value_type,
            max(value) filter (where flow = 'exports') as exports,
            max(value) filter (where flow = 'imports') as imports
        from trade
        group by all
    ),

    ranked as (
        select
            *,
            rank() over (
                partition by reporter, service, flow, period_start, value_type, is_economy order by value desc
            ) as partner_rank
        from trade
    )

    select
        ranked.* exclude (value, partner_rank),
        cast(ranked.value as double) as value_million,
        cast(ranked.value as double) / nullif(cast(worlds.value as double), 0) * 100 as share_pct,
        case
            when previous.value > 0
                then cast(ranked.value - previous.value as double) / cast(previous.value as double) * 100
        end as growth_pct,
        case
            when previous_worlds.value > 0
                then
                    cast(ranked.value - previous.value as double)
                    / cast(previous_worlds.value as double) * 100
        end as growth_contribution_pp,
        cast(cells.exports + cells.imports as double) as total_million,
        cast(cells.exports - cells.imports as double) as balance_million,
        case when ranked.is_economy then ranked.partner_rank end as partner_rank
    from ranked
    inner join cells using (reporter, partner, service, period_start, value_type)
    left join worlds using (reporter, service, flow, period_start, value_type)
    left join trade as previous
        on
            ranked.reporter = previous.reporter and ranked.partner = previous.partner
            and ranked.service = previous.service and ranked.flow = previous.flow
            and ranked.value_type = previous.value_type
            and previous.period_start = ranked.period_start - interval 1 year
    left join worlds as previous_worlds
        on
            ranked.reporter = previous_worlds.reporter
            and ranked.service = previous_worlds.service and ranked.flow = previous_worlds.flow
            and ranked.value_type = previous_worlds.value_type
            and previous_worlds.period_start = ranked.period_start - interval 1 year
) to '{out}/mart_trade_partner.parquet' (compression zstd);

copy (
    select
        stated.* exclude (value),
        cast(stated.value as double) as reporter_value_million,
        cast(mirrored.value as double) as partner_value_million,
        mirrored.status as partner_status,
        cast(stated.value - mirrored.value as double) as difference_million,
        case
            when stated.value >= 0 and mirrored.value >= 0 and stated.value + mirrored.value > 0
                then
                    cast(abs(stated.value - mirrored.value) as double)
                    / (cast(stated.value + mirrored.value as double) / 2)
        end as asymmetry_index
    from observation as stated
    inner join observation as mirrored
        on
            stated.reporter = mirrored.partner and stated.partner = mirrored.reporter
            and stated.service = mirrored.service and stated.flow <> mirrored.flow
            and stated.period_start = mirrored.period_start and stated.value_type = mirrored.value_type
    where stated.value_type <> 'balanced'
) to '{out}/mart_mirror.parquet' (compression zstd);
"""


def main(csv: str, out: str, threads: str) -> None:
    seeds = DBT_PROJECT_DIR / "seeds"
    codes, economies = seeds / "economy_code.csv", seeds / "economies.csv"
    with duckdb.connect(str(Path(out) / "floor.duckdb"), config={"threads": threads}) as db:
        db.execute(SCRIPT.format(csv=csv, out=out, codes=codes, economies=economies))


if __name__ == "__main__":
    main(*sys.argv[1:])
