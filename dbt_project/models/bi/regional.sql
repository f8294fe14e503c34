{%- set cell = ['region', 'period_label'] -%}

-- provinces only: a belt or a region of the statistical bureau is a group of them
with trade as (

    select * from {{ ref('mart_trade_regional') }}
    where frequency = 'A' and currency = 'USD' and region_type = 'province' and value_million is not null

),

series as (

    {{ one_series('trade', cell) }}

),

-- a total has a column of its own: as a row beside exports and imports it would be counted twice
pivoted as (

    select
        trade.region,
        trade.region_name_en,
        trade.region_name_zh,
        trade.period_start,
        trade.period_end,
        trade.period_label,
        max(case when trade.flow = 'exports' then trade.value_million end) as exports_usd_million,
        max(case when trade.flow = 'imports' then trade.value_million end) as imports_usd_million,
        max(case when trade.flow = 'total' then trade.value_million end) as printed_total_usd_million,
        max(case when trade.flow = 'balance' then trade.value_million end) as printed_balance_usd_million,
        max(case when trade.flow = 'exports' then trade.status end) as exports_status,
        max(case when trade.flow = 'imports' then trade.status end) as imports_status,
        max(case when trade.flow = 'total' then trade.status end) as total_status,
        trade.value_type,
        trade.source,
        trade.source_name,
        trade.vintage
    from trade
    inner join series on {{ is_of_series('series', 'trade', cell) }}
    group by
        trade.region, trade.region_name_en, trade.region_name_zh, trade.period_start, trade.period_end, trade.period_label,
        trade.value_type, trade.source, trade.source_name, trade.vintage

)

select
    region,
    region_name_en,
    region_name_zh,
    period_start,
    period_end,
    period_label,
    exports_usd_million,
    imports_usd_million,
    coalesce(printed_total_usd_million, exports_usd_million + imports_usd_million) as total_usd_million,
    coalesce(printed_balance_usd_million, exports_usd_million - imports_usd_million) as balance_usd_million,
    exports_status,
    imports_status,
    total_status,
    value_type,
    source,
    source_name,
    vintage,
    {{ is_source_break(none, ['region']) }} as is_source_break
from pivoted
order by region, period_start
