{{ config(materialized='table') }}
-- A table without figures and vintages, so that a mart is made again only when another series is preferred.
-- The preferred series of int_preferred_series; for a month that no source prints, the derived one chosen by the same rule.
with figures as (

    select * from {{ ref('int_short_term_figures') }}

),

precedence as (

    select * from {{ ref('source_precedence') }}

),

printed as (

    select * from {{ ref('int_preferred_series') }}

),

series as (

    select
        {{ reporter_cell_columns() }},
        max(case when service = 'S' and flow = 'exports' and value_million is not null then 1 else 0 end)
        + max(case when service = 'S' and flow = 'imports' and value_million is not null then 1 else 0 end) as flow_count,
        max(case when service = 'S' then 1 else 0 end) as has_all_services
    from figures
    group by {{ reporter_cell_columns() }}

),

ranked as (

    select
        series.*,
        row_number() over (
            partition by series.reporter, series.frequency, series.period_start, series.period_end
            order by
                case when printed.source is not null then 1 else 2 end,
                case when series.flow_count = 2 then 1 when series.has_all_services = 1 then 2 else 3 end,
                precedence.priority
        ) as preference
    from series
    inner join precedence
        on
            series.source = precedence.source
            and series.currency = precedence.currency
            and series.value_type = precedence.value_type
    left join printed on {{ is_same_cell_in_any_vintage('series', 'printed') }}

)

select
    source,
    reporter,
    frequency,
    period_start,
    period_end,
    period_label,
    currency,
    value_type
from ranked
where preference = 1
