with sources as (

    select * from {{ ref('dim_source') }}

),

coverage as (

    select * from {{ ref('int_table_coverage') }}

),

freshness as (

    select * from {{ ref('stg_landing_freshness') }}

)

select
    sources.source,
    concat_ws(' / ', sources.publisher_table, coverage.part) as {{ adapter.quote('table') }},
    freshness.last_success_at,
    coverage.vintage as latest_vintage,
    coverage.latest_period,
    cast(coverage.publication_lag_days as integer) as publication_lag_days,
    coalesce(coverage.expected_cells, 0) as expected_cells,
    coalesce(coverage.present_cells, 0) as present_cells,
    coalesce(coverage.expected_cells - coverage.present_cells, 0) as missing_cells,
    freshness.status
from sources
left join coverage on sources.source = coverage.source
left join freshness on sources.source = freshness.source
