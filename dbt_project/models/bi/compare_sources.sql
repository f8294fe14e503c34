{%- set cell = ['source', 'reporter', 'period_start', 'period_end'] -%}

with scale as (

    select * from {{ ref('mart_trade_scale') }}
    where frequency = 'A' and currency = 'USD'

),

economies as (

    select * from {{ ref('dim_economy') }}
    where economy_type in {{ economy_types() }}

),

sources as (

    select * from {{ ref('dim_source') }}

),

-- one kind of value of each source
series as (

    {{ one_series('scale', cell) }}

)

select
    scale.source,
    sources.title_en as source_name,
    scale.reporter,
    scale.reporter_name_en,
    scale.reporter_name_zh,
    scale.period_start,
    scale.period_end,
    scale.period_label,
    scale.exports_million as exports_usd_million,
    scale.imports_million as imports_usd_million,
    scale.total_million as total_usd_million,
    scale.balance_million as balance_usd_million,
    scale.value_type,
    scale.vintage
from scale
inner join series on {{ is_of_series('series', 'scale', cell) }}
inner join economies on scale.reporter = economies.economy
inner join sources on scale.source = sources.source
order by scale.source, scale.reporter, scale.period_start
