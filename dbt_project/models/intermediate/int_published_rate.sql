{{ config(by_source=['fct_indicator']) }}
-- Printed percentages, each with what it is of: the indicator's code says it, or else the seed printed_rate.
with rates as (

    select
        *,
        split_part(indicator, '_pct.', 1) in ('share', 'growth') as is_named
    from {{ ref('fct_indicator') }}
    where unit = 'pct'

),

declared as (

    select * from {{ ref('printed_rate') }}

)

select
    rates.source,
    rates.vintage,
    rates.reporter,
    rates.partner,
    rates.region,
    rates.indicator,
    declared.name_en as indicator_name_en,
    declared.name_zh as indicator_name_zh,
    case when rates.is_named then split_part(rates.indicator, '_pct.', 1) when not rates.is_named then declared.measure end as measure,
    case when rates.is_named then split_part(rates.indicator, '.', 2) when not rates.is_named then declared.service end as service,
    case when rates.is_named then split_part(rates.indicator, '.', 3) when not rates.is_named then declared.flow end as flow,
    case when rates.is_named then nullif(split_part(rates.indicator, '.', 4), '') end as printed_currency,
    rates.frequency,
    rates.period_start,
    rates.period_end,
    rates.period_label,
    rates.period_end >= cast({{ dbt.dateadd('year', 1, 'rates.period_start') }} as date) as is_of_years,
    rates.value as rate_pct,
    rates.status,
    declared.why_not
from rates
left join declared
    on
        rates.source = declared.source
        and rates.indicator = declared.indicator
