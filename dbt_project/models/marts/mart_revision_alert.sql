with revisions as (

    select * from {{ ref('fct_revision') }}
    where kind = 'changed'

),

thresholds as (

    select * from {{ ref('revision_threshold') }}

),

-- The most specific threshold of a series: that of its indicator, else of its service, else of its source.
fitting as (

    select
        revisions.*,
        thresholds.measure,
        cast(thresholds.threshold_pct as double) as threshold_pct,
        row_number() over (
            partition by {{ cell_columns('revisions') }}, revisions.vintage
            order by
                case
                    when thresholds.measure = revisions.indicator then 1
                    when thresholds.measure = revisions.service then 2
                    when thresholds.measure is null then 3
                end
        ) as position
    from revisions
    left join thresholds
        on
            revisions.source = thresholds.source
            and (
                thresholds.measure is null
                or thresholds.measure = revisions.indicator
                or thresholds.measure = revisions.service
            )

)

select
    source,
    series,
    reporter,
    partner,
    region,
    service,
    flow,
    indicator,
    frequency,
    period_start,
    period_label,
    currency,
    unit,
    value_type,
    previous_vintage,
    vintage,
    {{ to_double('previous_value') }} as previous_value,
    {{ to_double('value') }} as value,
    change_pct,
    threshold_pct,
    measure as threshold_measure
from fitting
where
    position = 1
    and (
        abs(change_pct) > threshold_pct
        -- from zero there is no percentage: always an alert
        or change_pct is null
    )
order by
    source, vintage, reporter, partner, region, service, indicator, flow, frequency, period_start, period_end, currency, unit,
    value_type
