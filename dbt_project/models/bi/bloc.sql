{%- set cell = ['reporter', 'period_label'] -%}

-- who is a member on the last day of the year; the composition of one fixed year would be a second figure of the same trade
with trade as (

    select * from {{ ref('mart_trade_partner_group') }}
    where
        frequency = 'A'
        and currency = 'USD'
        and service = 'S'
        and flow in ('exports', 'imports')
        and composition = 'as of the period'
        and coverage_pct >= {{ least_coverage_pct() }}

),

economies as (

    select * from {{ ref('dim_economy') }}
    where economy_type in {{ economy_types() }}

),

-- of the tables of a reporter and year, the one that covers most blocs
series as (

    {{ one_series('trade', cell) }}

)

select
    trade.reporter,
    trade.reporter_name_en,
    trade.reporter_name_zh,
    trade.group_code,
    trade.group_name_en,
    trade.group_name_zh,
    trade.flow,
    trade.period_start,
    trade.period_end,
    trade.period_label,
    trade.value_million as value_usd_million,
    trade.share_pct,
    trade.growth_pct,
    trade.is_small_base,
    trade.members_counted,
    trade.members_expected,
    trade.coverage_pct,
    trade.is_complete,
    trade.status,
    trade.value_type,
    trade.source,
    trade.source_name,
    trade.vintage,
    {{ is_source_break('trade', ['reporter', 'group_code', 'flow']) }} as is_source_break
from trade
inner join series on {{ is_of_series('series', 'trade', cell) }}
inner join economies on trade.reporter = economies.economy
order by trade.reporter, trade.group_code, trade.flow, trade.period_start
