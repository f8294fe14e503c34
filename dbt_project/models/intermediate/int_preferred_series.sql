{{ config(materialized='table') }}
-- A table without figures and vintages, so that a mart is made again only when another series is preferred.
-- One series for all services of a reporter and period: items of another series would not add up to its total.
with cells as (

    select * from {{ ref('int_trade_by_cell') }}

),

precedence as (

    select * from {{ ref('source_precedence') }}

),

series as (

    select
        {{ reporter_cell_columns() }},
        -- 1 exports and imports of all services, 2 any figure of all services, 3 single services only
        min(
            case
                when service = 'S' and exports_million is not null and imports_million is not null then 1
                when service = 'S' then 2
                when service <> 'S' then 3
            end
        ) as completeness
    from cells
    group by {{ reporter_cell_columns() }}

),

ranked as (

    select
        series.*,
        row_number() over (
            partition by series.reporter, series.frequency, series.period_start, series.period_end
            order by series.completeness, precedence.priority
        ) as preference
    from series
    inner join precedence
        on
            series.source = precedence.source
            and series.currency = precedence.currency
            and series.value_type = precedence.value_type

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
