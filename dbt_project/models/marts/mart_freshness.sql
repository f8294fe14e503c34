with sources as (

    select * from {{ ref('dim_source') }}

),

coverage as (

    select * from {{ ref('int_table_coverage') }}

),

freshness as (

    select * from {{ ref('stg_landing_freshness') }}

),

held as (

    select
        source,
        vintage,
        cast(sum(observation_count) as bigint) as observation_count
    from {{ ref('held_row') }}
    group by source, vintage

)

select
    sources.source,
    sources.title_en as source_name,
    sources.publisher_table,
    coverage.series,
    freshness.last_success_at,
    coverage.vintage as latest_vintage,
    coverage.latest_period,
    cast(coverage.publication_lag_days as integer) as publication_lag_days,
    coalesce(coverage.expected_cells, 0) as expected_cells,
    coalesce(coverage.present_cells, 0) as present_cells,
    coalesce(coverage.expected_cells - coverage.present_cells, 0) as missing_cells,
    freshness.status,
    freshness.set_aside_vintage,
    freshness.set_aside_reason,
    coalesce(held.observation_count, 0) as held_observations,
    coalesce(freshness.failed_part_count, 0) as failed_parts,
    coalesce(freshness.drift_count, 0) as drift_notes
from sources
left join coverage on sources.source = coverage.source
left join freshness on sources.source = freshness.source
left join held
    on
        coverage.source = held.source
        and coverage.vintage = held.vintage
