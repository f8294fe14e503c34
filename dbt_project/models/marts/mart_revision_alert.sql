{{ config(by_source=['fct_revision']) }}
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
    fitting.source,
    sources.title_en as source_name,
    fitting.series,
    fitting.reporter,
    reporters.name_en as reporter_name_en,
    reporters.name_zh as reporter_name_zh,
    fitting.partner,
    partners.name_en as partner_name_en,
    partners.name_zh as partner_name_zh,
    fitting.region,
    regions.name_en as region_name_en,
    regions.name_zh as region_name_zh,
    fitting.service,
    services.name_en as service_name_en,
    services.name_zh as service_name_zh,
    fitting.flow,
    fitting.indicator,
    fitting.frequency,
    fitting.period_start,
    fitting.period_end,
    fitting.period_label,
    fitting.currency,
    fitting.unit,
    fitting.value_type,
    fitting.previous_vintage,
    fitting.vintage,
    {{ to_double('fitting.previous_value') }} as previous_value,
    {{ to_double('fitting.value') }} as value,
    fitting.change_pct,
    fitting.threshold_pct,
    fitting.measure as threshold_measure
from fitting
left join {{ ref('dim_source') }} as sources on fitting.source = sources.source
left join {{ ref('dim_economy') }} as reporters on fitting.reporter = reporters.economy
left join {{ ref('dim_economy') }} as partners on fitting.partner = partners.economy
left join {{ ref('dim_region') }} as regions on fitting.region = regions.region
left join {{ ref('dim_service') }} as services on fitting.service = services.service
where
    fitting.position = 1
    and (
        abs(fitting.change_pct) > fitting.threshold_pct
        -- from zero there is no percentage: always an alert
        or fitting.change_pct is null
    )
order by
    fitting.source, fitting.vintage, fitting.reporter, fitting.partner, fitting.region, fitting.service, fitting.indicator,
    fitting.flow, fitting.frequency, fitting.period_start, fitting.period_end, fitting.currency, fitting.unit, fitting.value_type
