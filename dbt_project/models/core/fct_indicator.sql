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
    -- of whole economies: what is of a province or of one partner stays in staging, where the marts that need it look
    and partner = 'WLD'
    and region is null
order by source, reporter, indicator, frequency, period_start, period_end
