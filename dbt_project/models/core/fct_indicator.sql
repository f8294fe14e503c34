with latest as (

    select * from {{ ref('int_observations_latest') }}

)

select
    source,
    vintage,

    reporter,
    indicator,
    frequency,
    period_start,
    period_end,
    {{ period_label('frequency', 'period_start', 'period_end') }} as period_label,

    currency,
    unit,
    status,
    value,

    _file,
    _row
from latest
where
    value is not null
    and service is null
    -- whole economies only: indicators of a province or of one partner are not in this table
    and partner = 'WLD'
    and region is null
order by source, reporter, indicator, frequency, period_start, period_end
