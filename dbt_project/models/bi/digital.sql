{%- set cell = ['reporter', 'period_start'] -%}

with digital as (

    select * from {{ ref('mart_digital_trade') }}
    where frequency = 'A' and currency = 'USD' and group_service = 'DDS' and flow in ('exports', 'imports')

),

economies as (

    select * from {{ ref('dim_economy') }}
    where economy_type in {{ economy_types() }}

),

sources as (

    select * from {{ ref('dim_source') }}

),

-- one table and kind of value for both flows of a reporter and year
series as (

    {{ one_series('digital', cell) }}

)

select
    digital.reporter,
    digital.reporter_name_en,
    digital.reporter_name_zh,
    digital.flow,
    digital.period_start,
    digital.period_end,
    digital.period_label,
    digital.value_million as value_usd_million,
    digital.share_of_services_pct,
    digital.growth_pct,
    digital.is_small_base,
    digital.status,
    digital.value_type,
    digital.source,
    sources.title_en as source_name,
    digital.vintage,
    {{ is_source_break('digital', ['reporter', 'flow']) }} as is_source_break
from digital
inner join series on {{ is_of_series('series', 'digital', cell) }}
inner join economies on digital.reporter = economies.economy
inner join sources on digital.source = sources.source
order by digital.reporter, digital.flow, digital.period_start
