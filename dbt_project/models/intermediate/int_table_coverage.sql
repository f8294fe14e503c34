with observations as (

    select * from {{ ref('int_observations_latest') }}

),

vintages as (

    select * from {{ ref('stg_landing_vintage') }}

),

periods as (

    select * from {{ ref('dim_period') }}

),

cells as (

    select
        source,
        vintage,
        -- an annual indicator is named by its code alone, everything else by its frequency and currency too
        case
            when indicator is not null then concat_ws(' / ', indicator, case when frequency <> 'A' then frequency end)
            when indicator is null then concat_ws(' / ', frequency, currency)
        end as part,
        concat_ws(' / ', reporter, partner, region, service, indicator, flow, currency, unit, value_type) as series,
        frequency,
        period_start,
        period_end,
        value,
        case when value is null and status = '{{ not_compiled() }}' then 1 else 0 end as is_not_compiled
    from observations

),

parts as (

    select
        source,
        vintage,
        part,
        frequency,
        count(distinct series) * count(distinct period_end) - cast(sum(is_not_compiled) as bigint) as expected_cells,
        count(value) as present_cells,
        max(case when value is not null then period_start end) as latest_period_start,
        max(case when value is not null then period_end end) as latest_period_end
    from cells
    group by source, vintage, part, frequency

)

select
    parts.source,
    parts.vintage,
    parts.part,
    parts.expected_cells,
    parts.present_cells,
    periods.period_label as latest_period,
    {{ dbt.datediff('parts.latest_period_end', 'cast(vintages.retrieved_at as date)', 'day') }} as publication_lag_days
from parts
left join periods
    on
        parts.frequency = periods.frequency
        and parts.latest_period_start = periods.period_start
        and parts.latest_period_end = periods.period_end
left join vintages
    on
        parts.source = vintages.source
        and parts.vintage = vintages.vintage
