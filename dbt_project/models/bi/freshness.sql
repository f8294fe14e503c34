with freshness as (

    select * from {{ ref('mart_freshness') }}

),

sources as (

    select * from {{ ref('dim_source') }}

),

vintages as (

    select * from {{ ref('dim_vintage') }}

),

-- a label has the same days in every frequency
periods as (

    select distinct
        period_label,
        period_start,
        period_end
    from {{ ref('dim_period') }}

)

select
    freshness.source,
    freshness.source_name,
    sources.publisher,
    freshness.publisher_table,
    freshness.series,
    freshness.status,
    freshness.last_success_at,
    freshness.latest_vintage,
    vintages.known_from,
    periods.period_start,
    periods.period_end,
    freshness.latest_period as period_label,
    freshness.publication_lag_days,
    freshness.expected_cells,
    freshness.present_cells,
    freshness.missing_cells,
    {{ ratio_pct('freshness.present_cells', 'freshness.expected_cells') }} as present_pct,
    freshness.set_aside_vintage,
    freshness.set_aside_reason,
    freshness.held_observations,
    freshness.failed_parts,
    freshness.drift_notes
from freshness
inner join sources on freshness.source = sources.source
left join vintages on freshness.source = vintages.source and freshness.latest_vintage = vintages.vintage
left join periods on freshness.latest_period = periods.period_label
order by freshness.source, freshness.series
