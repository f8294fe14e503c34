with digital as (

    select * from {{ ref('mart_digital_trade') }}
    where
        frequency = 'A'
        and currency = 'USD'
        and group_service = 'DDS'
        and flow in ('exports', 'imports')
        and share_of_services_pct is not null

),

by_series as (

    select
        digital.reporter,
        digital.period_start,
        digital.source,
        digital.vintage,
        digital.value_type,
        max(case when digital.flow = 'exports' then digital.share_of_services_pct end) as digital_exports_share_pct,
        max(case when digital.flow = 'imports' then digital.share_of_services_pct end) as digital_imports_share_pct,
        row_number() over (
            partition by digital.reporter, digital.period_start order by count(*) desc, min(precedence.priority) asc
        ) as preference
    from digital
    inner join {{ ref('source_precedence') }} as precedence
        on
            digital.source = precedence.source
            and digital.currency = precedence.currency
            and digital.value_type = precedence.value_type
    group by digital.reporter, digital.period_start, digital.source, digital.vintage, digital.value_type

)

select
    reporter,
    period_start,
    source,
    vintage,
    value_type,
    digital_exports_share_pct,
    digital_imports_share_pct
from by_series
where preference = 1
