{%- set cell = ['reporter', 'period_label'] -%}

with trade as (

    select * from {{ ref('mart_trade_partner') }}
    where frequency = 'A' and currency = 'USD' and service = 'S' and flow in ('exports', 'imports')

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

with_economies as (

    select trade.*
    from trade
    inner join economies on trade.partner = economies.economy

),

-- of the tables of a reporter and year, the one that names most partners
series as (

    {{ one_series('with_economies', cell) }}

)

select
    with_economies.reporter,
    reporters.name_en as reporter_name_en,
    reporters.name_zh as reporter_name_zh,
    with_economies.partner,
    with_economies.partner_name_en,
    with_economies.partner_name_zh,
    with_economies.flow,
    periods.period_start,
    periods.period_end,
    with_economies.period_label,
    with_economies.value_million as value_usd_million,
    with_economies.share_pct,
    with_economies.growth_pct,
    with_economies.is_small_base,
    with_economies.partner_rank,
    with_economies.status,
    with_economies.value_type,
    with_economies.source,
    sources.title_en as source_name,
    with_economies.vintage,
    {{ is_source_break('with_economies', ['reporter', 'partner', 'flow']) }} as is_source_break
from with_economies
inner join series on {{ is_of_series('series', 'with_economies', cell) }}
inner join economies as reporters on with_economies.reporter = reporters.economy
inner join periods on with_economies.frequency = periods.frequency and with_economies.period_label = periods.period_label
inner join sources on with_economies.source = sources.source
order by with_economies.reporter, with_economies.flow, with_economies.partner, periods.period_start
