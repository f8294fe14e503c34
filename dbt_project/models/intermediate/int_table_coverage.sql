{{ config(materialized='table', by_source=['int_observations_latest', 'stg_landing_vintage']) }}
-- A table, since its test reads all of its rows, and computes them again as a view.
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
        -- An annual indicator is named by its code alone, everything else by its frequency and currency too. What analysts add
        -- is no table: single printed shares and growth rates are one series of a frequency.
        case
            when indicator is not null and source = 'curated' then concat_ws(' / ', split_part(indicator, '.', 1), frequency)
            when indicator is not null then concat_ws(' / ', indicator, case when frequency <> 'A' then frequency end)
            when indicator is null then concat_ws(' / ', frequency, currency)
        end as series,
        concat_ws(' / ', reporter, partner, region, service, indicator, flow, currency, unit, value_type) as cells_of_periods,
        frequency,
        period_start,
        period_end,
        value,
        case when value is null and status = '{{ not_compiled() }}' then 1 else 0 end as is_not_compiled
    from observations

),

series as (

    select
        source,
        vintage,
        series,
        frequency,
        case
            when source = 'curated' then count(value)
            else count(distinct cells_of_periods) * count(distinct period_end) - cast(sum(is_not_compiled) as bigint)
        end as expected_cells,
        count(value) as present_cells,
        max(case when value is not null then period_start end) as latest_period_start,
        max(case when value is not null then period_end end) as latest_period_end
    from cells
    group by source, vintage, series, frequency

)

select
    series.source,
    series.vintage,
    series.series,
    series.expected_cells,
    series.present_cells,
    periods.period_label as latest_period,
    {{ dbt.datediff('series.latest_period_end', 'cast(vintages.retrieved_at as date)', 'day') }} as publication_lag_days
from series
left join periods
    on
        series.frequency = periods.frequency
        and series.latest_period_start = periods.period_start
        and series.latest_period_end = periods.period_end
left join vintages
    on
        series.source = vintages.source
        and series.vintage = vintages.vintage
