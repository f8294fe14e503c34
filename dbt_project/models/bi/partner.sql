with trade as (

    select * from {{ ref('mart_trade_partner') }}
    where frequency = 'A' and currency = 'USD' and service = 'S' and flow in ('exports', 'imports')

),

precedence as (

    select * from {{ ref('source_precedence') }}

),

economies as (

    select * from {{ ref('dim_economy') }}
    where economy_type in {{ economy_types() }}

),

periods as (

    select * from {{ ref('dim_period') }}

),

sources as (

    select * from {{ ref('dim_source') }}

),

-- of the tables of a reporter and year, the one that names most partners
series as (

    select
        trade.reporter,
        trade.period_label,
        trade.source,
        trade.value_type,
        row_number() over (
            partition by trade.reporter, trade.period_label order by count(*) desc, min(precedence.priority) asc
        ) as preference
    from trade
    inner join economies on trade.partner = economies.economy
    inner join precedence
        on
            trade.source = precedence.source
            and trade.currency = precedence.currency
            and trade.value_type = precedence.value_type
    group by trade.reporter, trade.period_label, trade.source, trade.value_type

)

select
    trade.reporter,
    reporters.name_en as reporter_name_en,
    reporters.name_zh as reporter_name_zh,
    trade.partner,
    trade.partner_name_en,
    trade.partner_name_zh,
    trade.flow,
    periods.period_start,
    periods.period_end,
    trade.period_label,
    trade.value_million as value_usd_million,
    trade.share_pct,
    trade.growth_pct,
    trade.partner_rank,
    trade.source,
    sources.title_en as source_name,
    trade.vintage
from trade
inner join series
    on
        trade.reporter = series.reporter
        and trade.period_label = series.period_label
        and trade.source = series.source
        and trade.value_type = series.value_type
        and series.preference = 1
inner join economies on trade.partner = economies.economy
inner join economies as reporters on trade.reporter = reporters.economy
inner join periods on trade.frequency = periods.frequency and trade.period_label = periods.period_label
inner join sources on trade.source = sources.source
order by trade.reporter, trade.flow, trade.partner, periods.period_start
