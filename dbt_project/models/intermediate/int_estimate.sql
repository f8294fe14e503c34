{{ config(materialized='table', by_source=true) }}
-- A table, since both marts of vintages read it.
-- The figure of a year before and the total are those of the same vintage, whether they were revised themselves or not.
with spans as (

    select * from {{ ref('int_estimate_span') }}

),

estimates as (

    select
        {{ cell_columns('in_vintage') }},
        in_vintage.vintage,
        in_vintage.until_vintage,
        spans.value
    from {{ ref('int_estimate_vintage') }} as in_vintage
    inner join spans
        on
            {{ is_of_same_cell('in_vintage', 'spans') }}
            and {{ is_in_force('spans', 'in_vintage') }}

),

vintages as (

    select
        *,
        row_number() over (partition by source order by vintage) as vintage_number
    from {{ ref('dim_vintage') }}

),

numbered as (

    select
        estimates.*,
        vintages.known_from,
        vintages.vintage_number,
        row_number() over (partition by {{ cell_columns('estimates') }} order by estimates.vintage) as estimate_number
    from estimates
    inner join vintages
        on
            estimates.source = vintages.source
            and estimates.vintage = vintages.vintage

),

compared as (

    select
        numbered.*,
        case when numbered.unit = 'million' and coalesce(numbered.flow, '') <> 'balance' then previous.value end as previous_value,
        totals.value as total_value
    from numbered
    left join spans as previous
        on
            {{ is_year_before('previous', 'numbered') }}
            and {{ is_in_force('previous', 'numbered') }}
    left join spans as totals
        on
            {{ is_total_of('totals', 'numbered') }}
            and {{ is_in_force('totals', 'numbered') }}

)

select
    {{ cell_columns() }},
    {{ series_name() }} as series,
    vintage,
    known_from,
    until_vintage,
    vintage_number,
    estimate_number,
    value,
    previous_value,
    {{ growth_pct('value', 'previous_value') }} as growth_pct,
    total_value,
    {{ ratio_pct('value', 'total_value') }} as share_pct
from compared
