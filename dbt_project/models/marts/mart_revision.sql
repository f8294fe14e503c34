with revisions as (

    select * from {{ ref('fct_revision') }}

)

select
    source,
    series,
    reporter,
    partner,
    service,
    flow,
    indicator,
    frequency,
    period_label,
    previous_vintage,
    vintage,
    {{ to_double('previous_value') }} as previous_value,
    {{ to_double('value') }} as value,
    {{ to_double('change') }} as change,
    change_pct,
    kind
from revisions
