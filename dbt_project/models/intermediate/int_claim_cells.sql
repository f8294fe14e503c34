{{ config(materialized='table') }}
-- A table, because every claim reads it and the observations are many: the few cells that claims can rest on, of all vintages.

with latest as (

    select * from {{ ref('int_observations_latest') }}

),

revisions as (

    select * from {{ ref('fct_revision') }}

),

vintages as (

    select * from {{ ref('int_vintages') }}

),

claims as (

    select * from {{ ref('claim') }}

),

areas as (

    select area as reporter from claims
    union
    select 'WLD' as reporter

),

items as (

    select service from claims
    where service is not null
    union
    select members.service
    from {{ ref('service_group_member') }} as members
    inner join claims on members.group_service = claims.service
    union
    select 'S' as service
    union
    select 'G' as service

),

bounds as (

    select
        min(from_year) as first_year,
        max(to_year) as last_year
    from claims

),

-- A cell begins with what it holds today, and each revision says what it held before: so it is known for every vintage.
-- One that was withdrawn for good begins too.
beginnings_and_changes as (

    select
        {{ cell_columns() }},
        cast(null as {{ dbt.type_string() }}) as vintage,
        cast(null as decimal(38, 18)) as previous_value,
        value
    from latest
    union all
    select
        {{ cell_columns() }},
        cast(null as {{ dbt.type_string() }}) as vintage,
        cast(null as decimal(38, 18)) as previous_value,
        cast(null as decimal(38, 18)) as value
    from revisions
    union all
    select
        {{ cell_columns() }},
        vintage,
        previous_value,
        value
    from revisions

),

kept as (

    select
        {{ cell_columns('cells') }},
        cells.vintage,
        max(cells.previous_value) as previous_value,
        max(cells.value) as value
    from beginnings_and_changes as cells
    cross join bounds
    where
        cells.frequency = 'A'
        and extract(year from cells.period_end) between bounds.first_year and bounds.last_year
        and (cells.partner = 'WLD' or cells.service = 'S' or cells.service is null)
        and (cells.region is null or cells.service = 'S' or cells.service is null)
        and (
            cells.reporter in (select areas.reporter from areas)
            -- a rank needs every economy
            or (cells.partner = 'WLD' and cells.service = 'S' and cells.region is null)
        )
        and (
            cells.service in (select items.service from items)
            or cells.indicator in ('NV.SRV.TOTL.ZS', 'NBS.GDP', 'NBS.VA_TERTIARY')
            or cells.indicator like 'growth\_pct.%' escape '\'
            or cells.indicator like 'share\_pct.%' escape '\'
        )
    group by {{ cell_columns('cells') }}, cells.vintage

),

in_order as (

    select
        *,

        lead(vintage) over cell as next_change,
        lead(previous_value) over cell as value_before_change
    from kept
    window cell as (
        partition by {{ cell_columns() }}
        order by vintage nulls first
    )

),

stood as (

    select
        {{ cell_columns() }},
        vintage as first_vintage,
        next_change,

        case when vintage is null and next_change is not null then value_before_change else value end as value
    from in_order

)

select
    stood.source,
    vintages.vintage,
    stood.value_type,
    stood.currency,
    stood.reporter,
    stood.partner,
    stood.region,
    stood.service,
    stood.indicator,
    stood.flow,
    cast(extract(year from stood.period_end) as integer) as period_year,
    stood.unit,
    stood.value
from stood
inner join vintages
    on
        stood.source = vintages.source
        and (stood.first_vintage is null or stood.first_vintage <= vintages.vintage)
        and (stood.next_change is null or stood.next_change > vintages.vintage)
where stood.value is not null
