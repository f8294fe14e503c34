with revisions as (

    select * from {{ ref('fct_revision') }}

)

select
    source,
    -- concat_ws leaves out what is null: a series is named by what tells it from its neighbours
    concat_ws(
        ' / ',
        source,
        reporter,
        case when partner <> 'WLD' then partner end,
        coalesce(indicator, service),
        case when indicator is null then flow end,
        frequency,
        case when indicator is null then currency end,
        case when value_type <> 'reported' then value_type end
    ) as series,
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
