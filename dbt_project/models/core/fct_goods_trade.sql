with latest as (

    select * from {{ ref('int_observations_latest') }}

)

select
    source,
    vintage,

    reporter,
    partner,
    indicator,
    flow,
    frequency,
    period_start,
    period_end,
    {{ period_label('frequency', 'period_start', 'period_end') }} as period_label,

    currency,
    value_type,
    status,
    value as value_million,

    _file,
    _row
from latest
where
    value is not null
    and partner = 'WLD'
    and region is null
    and service = 'G'
    and flow in ('exports', 'imports')
order by source, reporter, indicator, flow, frequency, period_start, period_end, currency, value_type
