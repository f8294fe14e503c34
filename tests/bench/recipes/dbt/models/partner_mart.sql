-- Trade of each reporter with each partner: share of the world, growth, rank. The same text runs on DuckDB and PostgreSQL.
with trade_and_world as (

    select
        reporters.economy as reporter,
        partners.economy as partner,
        partners.is_economy,
        cells.flow,
        cells.item_code as item,
        cells.year,
        cells.balanced_value as value
    from {{ source('raw', 'batis') }} as cells
    inner join {{ source('raw', 'economy') }} as reporters on cells.reporter = reporters.code
    inner join {{ source('raw', 'economy') }} as partners on cells.partner = partners.code
    where cells.balanced_value is not null

),

worlds as (

    select * from trade_and_world
    where partner = 'WLD'

),

trade as (

    select
        *,
        rank() over (partition by reporter, flow, item, year, is_economy order by value desc) as rank_of_kind
    from trade_and_world
    where partner <> 'WLD'

)

select
    trade.reporter,
    trade.flow,
    trade.item,
    trade.year,
    trade.partner,
    trade.value,
    case when worlds.value <> 0 then trade.value / worlds.value * 100 end as share_pct,
    case when previous.value > 0 then (trade.value - previous.value) / previous.value * 100 end as growth_pct,
    case when trade.is_economy then trade.rank_of_kind end as partner_rank
from trade
left join worlds
    on
        trade.reporter = worlds.reporter
        and trade.flow = worlds.flow
        and trade.item = worlds.item
        and trade.year = worlds.year
left join trade as previous
    on
        trade.reporter = previous.reporter
        and trade.partner = previous.partner
        and trade.flow = previous.flow
        and trade.item = previous.item
        and trade.year = previous.year + 1
