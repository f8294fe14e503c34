{{ config(materialized='table', by_source=true) }}
-- A table, since mart_vintage reads it more than once.
-- Only sources with revisions are read. A cell without revisions has had its latest value since the first vintage.
with revisions as (

    select * from {{ ref('fct_revision') }}

),

first_vintages as (

    select
        source,
        min(vintage) as vintage
    from {{ ref('dim_vintage') }}
    where source in (select revisions.source from revisions)
    group by source

),

in_order as (

    select
        *,
        row_number() over (partition by {{ cell_columns() }} order by vintage) as position,
        lead(vintage) over (partition by {{ cell_columns() }} order by vintage) as until_vintage
    from revisions

),

revised as (

    select
        {{ cell_columns('in_order') }},
        first_vintages.vintage as from_vintage,
        in_order.vintage as until_vintage,
        in_order.previous_value as value
    from in_order
    inner join first_vintages on in_order.source = first_vintages.source
    where in_order.position = 1
    union all
    select
        {{ cell_columns() }},
        vintage as from_vintage,
        until_vintage,
        value
    from in_order

),

unrevised as (

    select
        {{ cell_columns('latest') }},
        first_vintages.vintage as from_vintage,
        cast(null as {{ dbt.type_string() }}) as until_vintage,
        latest.value
    from {{ ref('int_observations_latest') }} as latest
    inner join first_vintages on latest.source = first_vintages.source
    left join in_order
        on
            {{ is_of_same_cell('latest', 'in_order') }}
            and in_order.position = 1
    where in_order.position is null

)

select * from revised
where value is not null
union all
select * from unrevised
where value is not null
