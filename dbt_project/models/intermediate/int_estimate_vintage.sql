{{ config(by_source=true) }}
-- A revision concerns its own cell, the growth of the same period a year later, and the shares of the parts of a total.
with revisions as (

    select * from {{ ref('fct_revision') }}

),

spans as (

    select * from {{ ref('int_estimate_span') }}

),

cells as (

    select distinct {{ cell_columns() }} from spans

),

concerned as (

    select
        {{ cell_columns() }},
        vintage
    from revisions
    union
    select
        {{ cell_columns('cells') }},
        revisions.vintage
    from cells
    inner join revisions
        on
            {{ is_year_before('revisions', 'cells') }}
            and cells.unit = 'million'
            and coalesce(cells.flow, '') <> 'balance'
    union
    select
        {{ cell_columns('cells') }},
        revisions.vintage
    from cells
    inner join revisions on {{ is_total_of('revisions', 'cells') }}

),

with_first_vintage as (

    select
        {{ cell_columns() }},
        vintage
    from concerned
    union
    select distinct
        {{ cell_columns('concerned') }},
        first_vintages.vintage
    from concerned
    inner join {{ ref('dim_vintage') }} as first_vintages
        on
            concerned.source = first_vintages.source
            and first_vintages.previous_vintage is null

)

select
    {{ cell_columns() }},
    vintage,
    lead(vintage) over (partition by {{ cell_columns() }} order by vintage) as until_vintage
from with_first_vintage
