with sources as (

    select * from {{ ref('dim_source') }}

),

observations as (

    select * from {{ ref('int_observations_latest') }}

),

vintages as (

    select * from {{ ref('stg_landing_vintage') }}

),

-- The order of the looks says which was the last: a mirror's answers carry the time at which they were recorded.
looks as (

    select
        source,
        max(sequence) as last_look,
        max(case when outcome in ('accepted', 'unchanged') then sequence end) as last_success,
        max(case when outcome in ('accepted', 'unchanged') then checked_at end) as last_success_at
    from {{ ref('stg_landing_check') }}
    group by source

),

cells as (

    select
        source,
        vintage,
        frequency,
        -- an indicator is named by itself as long as it is of years, everything else by its frequency and currency
        case
            when indicator is not null then concat_ws(' / ', indicator, case when frequency <> 'A' then frequency end)
            when indicator is null then concat_ws(' / ', frequency, currency)
        end as part,
        concat_ws(' / ', reporter, partner, region, service, indicator, flow, currency, unit, value_type) as series,
        period_start,
        period_end,
        value
    from observations

),

parts as (

    select
        source,
        vintage,
        frequency,
        part,
        count(distinct series) * count(distinct period_end) as expected_cells,
        count(value) as present_cells,
        max(case when value is not null then period_start end) as latest_period_start,
        max(case when value is not null then period_end end) as latest_period_end
    from cells
    group by source, vintage, frequency, part

),

periods as (

    select * from {{ ref('dim_period') }}

),

dated as (

    select
        parts.*,
        periods.period_label as latest_period,
        cast(vintages.retrieved_at as date) as retrieved_on,
        -- a period begins with a month, so the day after its end is the safe place to count months from
        cast({{ dbt.dateadd('day', 1, 'parts.latest_period_end') }} as date) as next_period_start,
        case parts.frequency
            when 'A' then 12
            when 'Q' then 3
            when 'M' then 1
            when 'C' then 1
        end as months_in_period
    from parts
    left join periods
        on
            parts.frequency = periods.frequency
            and parts.latest_period_start = periods.period_start
            and parts.latest_period_end = periods.period_end
    left join vintages
        on parts.source = vintages.source and parts.vintage = vintages.vintage

),

judged as (

    select
        sources.source,
        concat_ws(' / ', sources.publisher_table, dated.part) as table_name,
        looks.last_success_at,
        looks.last_look > coalesce(looks.last_success, 0) as is_failing,
        dated.vintage,
        dated.latest_period,
        dated.expected_cells,
        dated.present_cells,
        {{ dbt.datediff('dated.latest_period_end', 'dated.retrieved_on', 'day') }} as publication_lag_days,
        {{ dbt.datediff(
            dbt.dateadd('month', 'dated.months_in_period', 'dated.next_period_start'),
            "cast('" ~ var('as_of') ~ "' as date)",
            'day'
        ) }} + 1 as days_since_next_period,
        sources.expected_lag_days
    from sources
    left join dated on sources.source = dated.source
    left join looks on sources.source = looks.source

)

select
    source,
    table_name as {{ adapter.quote('table') }},
    last_success_at,
    vintage as latest_vintage,
    latest_period,
    cast(publication_lag_days as integer) as publication_lag_days,
    coalesce(expected_cells, 0) as expected_cells,
    coalesce(present_cells, 0) as present_cells,
    coalesce(expected_cells - present_cells, 0) as missing_cells,
    case
        when vintage is null then 'never'
        when is_failing then 'failing'
        when latest_period is null or days_since_next_period > expected_lag_days then 'late'
        when days_since_next_period <= expected_lag_days then 'ok'
    end as status
from judged
