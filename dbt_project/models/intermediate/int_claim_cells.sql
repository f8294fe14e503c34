{{ config(materialized='table') }}
-- A table, because every claim reads it and the observations are many.
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

items as (

    select service as item from claims
    union
    select members.service as item
    from {{ ref('service_group_member') }} as members
    inner join claims on members.group_service = claims.service
    union
    select item from {{ ref('claim_term') }}

),

bounds as (

    select
        min(from_year) as first_year,
        max(to_year) as last_year
    from claims

),

-- Each revision states the value before it and the row of that value; the latest row states the value after the last revision.
last_rows as (

    select
        {{ cell_columns() }},
        cast(null as {{ dbt.type_string() }}) as next_change,
        vintage as row_vintage,
        value,
        _file,
        _row
    from latest
    union all
    select
        {{ cell_columns() }},
        vintage as next_change,
        previous_vintage as row_vintage,
        previous_value as value,
        _previous_file as _file,
        _previous_row as _row
    from revisions

),

relevant as (

    select last_rows.*
    from last_rows
    cross join bounds
    where
        last_rows.frequency = 'A'
        and not {{ is_mode_of_supply('last_rows') }}
        and extract(year from last_rows.period_end) between bounds.first_year and bounds.last_year
        and (last_rows.partner = 'WLD' or coalesce(last_rows.service, 'S') = 'S')
        and (last_rows.region is null or coalesce(last_rows.service, 'S') = 'S')
        and (
            last_rows.reporter = 'WLD'
            or last_rows.reporter in (select claims.area from claims)
            -- a rank needs every economy
            or (last_rows.partner = 'WLD' and last_rows.service = 'S' and last_rows.region is null)
        )
        and (
            coalesce(last_rows.service, last_rows.indicator) in (select items.item from items)
            or (last_rows.service is null and substr(last_rows.indicator, 1, 10) in ('share_pct.', 'growth_pct'))
        )

),

spans as (

    select
        *,
        lag(next_change) over (partition by {{ cell_columns() }} order by next_change nulls last) as first_vintage
    from relevant

)

select
    spans.source,
    vintages.vintage,
    spans.value_type,
    coalesce(spans.currency, '') as currency,
    spans.reporter,
    spans.partner,
    coalesce(spans.region, '-') as region,
    spans.service,
    spans.indicator,
    coalesce(spans.flow, '-') as flow,
    spans.period_start,
    spans.period_end,
    cast(extract(year from spans.period_end) as integer) as period_year,
    spans.unit,
    spans.value,
    spans.row_vintage,
    spans._file,
    spans._row
from spans
inner join vintages
    on
        spans.source = vintages.source
        and (spans.first_vintage is null or spans.first_vintage <= vintages.vintage)
        and (spans.next_change is null or spans.next_change > vintages.vintage)
where spans.value is not null
