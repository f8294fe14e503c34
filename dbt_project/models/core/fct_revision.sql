{{ config(by_source=true) }}
-- A cell's row is compared with the same cell's row in the vintage before: one pass, no grid of cells
-- times vintages. A value is withdrawn in two ways: its row is empty in the next vintage (found from that row),
-- or its row is missing there (found from the last row that had it). Revisions of older vintages are copied from
-- the previous release; the rows of these vintages are not loaded.
-- Over 150 lines, since both ways of withdrawal and the copied revisions need the same column list.
with observations as (

    select * from {{ ref('int_observations_unioned') }}

),

-- a source of which no vintage is new has nothing to compare, however many rows it has
sources as (

    select distinct source
    from {{ ref('int_vintages') }}
    where previous_vintage is not null and is_compared

),

vintages as (

    select all_vintages.*
    from {{ ref('int_vintages') }} as all_vintages
    inner join sources on all_vintages.source = sources.source

),

in_order as (

    select
        observations.*,
        vintages.previous_vintage,
        vintages.next_vintage,
        vintages.is_compared,

        lag(observations.vintage) over cell as vintage_of_row_before,
        lag(observations.value) over cell as value_of_row_before,
        lag(observations._file) over cell as file_of_row_before,
        lag(observations._row) over cell as row_of_row_before,
        lead(observations.vintage) over cell as vintage_of_row_after
    from observations
    inner join vintages
        on
            observations.source = vintages.source
            and observations.vintage = vintages.vintage
    window cell as (
        partition by {{ cell_columns('observations') }}
        order by observations.vintage
    )

),

against_the_vintage_before as (

    select
        *,

        case when vintage_of_row_before = previous_vintage then value_of_row_before end as previous_value,
        case when vintage_of_row_before = previous_vintage then file_of_row_before end as _previous_file,
        case when vintage_of_row_before = previous_vintage then row_of_row_before end as _previous_row
    from in_order
    where
        previous_vintage is not null
        and is_compared

),

stated as (

    select
        {{ cell_columns() }},
        previous_vintage,
        vintage,

        previous_value,
        value,
        case
            when previous_value is null then 'new'
            when value is null then 'withdrawn'
            when value <> previous_value then 'changed'
        end as kind,

        _previous_file,
        _previous_row,
        _file,
        _row
    from against_the_vintage_before
    where value is distinct from previous_value

),

gone as (

    select
        {{ cell_columns() }},
        vintage as previous_vintage,
        next_vintage as vintage,

        value as previous_value,
        cast(null as decimal(38, 18)) as value,
        'withdrawn' as kind,

        _file as _previous_file,
        _row as _previous_row,
        cast(null as {{ dbt.type_string() }}) as _file,
        cast(null as bigint) as _row
    from in_order
    where
        value is not null
        and next_vintage is not null
        and vintage_of_row_after is distinct from next_vintage

),

revisions as (

    select * from stated
    union all
    select * from gone
    union all
    select * from {{ ref('stg_landing_known_revision') }}

)

select
    source,
    {{ series_name() }} as series,

    reporter,
    partner,
    region,
    service,
    flow,
    indicator,
    frequency,
    period_start,
    period_end,
    {{ period_label('frequency', 'period_start', 'period_end') }} as period_label,
    currency,
    unit,
    value_type,
    previous_vintage,
    vintage,

    previous_value,
    {{ to_double('previous_value') }} as previous_value_double,
    value,
    {{ to_double('value') }} as value_double,
    cast(value - previous_value as decimal(38, 18)) as change,
    {{ to_double('value - previous_value') }} as change_double,
    {{ to_double('value - previous_value') }} / nullif(abs({{ to_double('previous_value') }}), 0) * 100 as change_pct,
    kind,

    _previous_file,
    _previous_row,
    _file,
    _row
from revisions
order by
    source, vintage, reporter, partner, region, service, indicator, flow, frequency, period_start, period_end, currency, unit,
    value_type
