with digital as (

    select * from {{ ref('mart_digital_trade') }}
    where frequency = 'A' and currency = 'USD' and group_service = 'DDS' and flow in ('exports', 'imports')

),

precedence as (

    select * from {{ ref('source_precedence') }}

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

    select
        digital.reporter,
        digital.period_start,
        digital.source,
        digital.value_type,
        row_number() over (
            partition by digital.reporter, digital.period_start order by count(*) desc, min(precedence.priority) asc
        ) as preference
    from digital
    inner join precedence
        on
            digital.source = precedence.source
            and digital.currency = precedence.currency
            and digital.value_type = precedence.value_type
    group by digital.reporter, digital.period_start, digital.source, digital.value_type

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
    digital.source,
    sources.title_en as source_name,
    digital.vintage
from digital
inner join series
    on
        digital.reporter = series.reporter
        and digital.period_start = series.period_start
        and digital.source = series.source
        and digital.value_type = series.value_type
        and series.preference = 1
inner join economies on digital.reporter = economies.economy
inner join sources on digital.source = sources.source
order by digital.reporter, digital.flow, digital.period_start
