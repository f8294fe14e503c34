with periods as (

    select
        frequency,
        period_start,
        period_end
    from {{ ref('int_observations_latest') }}
    union
    select
        frequency,
        period_start,
        period_end
    from {{ ref('fct_revision') }}

)

select
    frequency,
    period_start,
    period_end,

    {{ period_label('frequency', 'period_start', 'period_end') }} as period_label,
    cast(extract(year from period_start) as integer) as year,
    case when frequency = 'Q' then cast(extract(quarter from period_start) as integer) end as quarter,
    case when frequency = 'M' then cast(extract(month from period_start) as integer) end as month
from periods
order by frequency, period_start, period_end
