{%- set cell = ['reporter', 'period_start'] -%}

with digital as (

    select * from {{ ref('mart_digital_trade') }}
    where
        frequency = 'A'
        and currency = 'USD'
        and group_service = 'DDS'
        and flow in ('exports', 'imports')
        and share_of_services_pct is not null

),

series as (

    {{ one_series('digital', cell) }}

)

select
    digital.reporter,
    digital.period_start,
    digital.source,
    digital.vintage,
    digital.value_type,
    max(case when digital.flow = 'exports' then digital.share_of_services_pct end) as digital_exports_share_pct,
    max(case when digital.flow = 'imports' then digital.share_of_services_pct end) as digital_imports_share_pct
from digital
inner join series on {{ is_of_series('series', 'digital', cell) }}
group by digital.reporter, digital.period_start, digital.source, digital.vintage, digital.value_type
