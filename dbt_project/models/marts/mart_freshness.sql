with sources as (

    select * from {{ ref('dim_source') }}

),

coverage as (

    select * from {{ ref('int_table_coverage') }}

),

due as (

    select * from {{ ref('int_release_due') }}

),

-- The sequence orders the polls: the answers of a mirror carry the time at which they were recorded.
polls as (

    select
        source,
        max(sequence) as last_poll,
        max(case when outcome in ('accepted', 'unchanged') then sequence end) as last_success,
        max(case when outcome in ('accepted', 'unchanged') then checked_at end) as last_success_at
    from {{ ref('stg_landing_check') }}
    group by source

)

select
    sources.source,
    concat_ws(' / ', sources.publisher_table, coverage.part) as {{ adapter.quote('table') }},
    polls.last_success_at,
    coverage.vintage as latest_vintage,
    coverage.latest_period,
    cast(coverage.publication_lag_days as integer) as publication_lag_days,
    coalesce(coverage.expected_cells, 0) as expected_cells,
    coalesce(coverage.present_cells, 0) as present_cells,
    coalesce(coverage.expected_cells - coverage.present_cells, 0) as missing_cells,
    case
        when coverage.vintage is null then 'never'
        when polls.last_poll > coalesce(polls.last_success, 0) then 'failing'
        when due.is_late then 'late'
        when not coalesce(due.is_late, false) then 'ok'
    end as status
from sources
left join coverage on sources.source = coverage.source
left join polls on sources.source = polls.source
left join due on sources.source = due.source
