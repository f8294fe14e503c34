{{ config(by_source=['fct_revision', 'dim_vintage']) }}
-- The first value needs no older vintages: a cell whose first revision is not 'new' already had its value in the first
-- vintage of the source.
with revisions as (

    select * from {{ ref('fct_revision') }}

),

vintages as (

    select * from {{ ref('dim_vintage') }}

),

first_vintages as (

    select
        source,
        min(vintage) as vintage
    from vintages
    group by source

),

in_order as (

    select
        *,
        row_number() over (partition by {{ cell_columns() }} order by vintage) as position,
        row_number() over (partition by {{ cell_columns() }} order by vintage desc) as position_from_last,
        count(value) over (partition by {{ cell_columns() }} order by vintage) as values_so_far
    from revisions

),

by_cell as (

    select
        {{ cell_columns() }},
        min(series) as series,
        min(period_label) as period_label,
        max(vintage) as latest_vintage,
        max(case when position_from_last = 1 then value end) as latest_value,

        -- the value that the first revision starts from, and the next two that were stated
        max(case when position = 1 then previous_value end) as value_before,
        min(case when value is not null then vintage end) as next_vintage,
        max(case when values_so_far = 1 then value end) as next_value,
        max(case when values_so_far = 2 then value end) as next_value_but_one,

        cast(count(case when kind = 'changed' then 1 end) as integer) as revision_count,
        cast(count(case when kind = 'withdrawn' then 1 end) as integer) as withdrawal_count,
        cast(count(case when change > 0 then 1 end) as integer) as up_count,
        cast(count(case when change < 0 then 1 end) as integer) as down_count,

        -- exact decimals: their sums don't depend on the order of rows
        cast(sum(change) as decimal(38, 18)) as change_sum,
        cast(sum(abs(change)) as decimal(38, 18)) as absolute_change_sum,
        cast(sum(case when kind = 'changed' then abs(previous_value) end) as decimal(38, 18)) as absolute_previous_sum
    from in_order
    group by {{ cell_columns() }}

)

select
    by_cell.source,
    by_cell.series,
    by_cell.reporter,
    by_cell.partner,
    by_cell.region,
    by_cell.service,
    by_cell.flow,
    by_cell.indicator,
    by_cell.frequency,
    by_cell.period_start,
    by_cell.period_end,
    by_cell.period_label,
    sources.title_en as source_name,
    reporters.name_en as reporter_name_en,
    reporters.name_zh as reporter_name_zh,
    partners.name_en as partner_name_en,
    partners.name_zh as partner_name_zh,
    regions.name_en as region_name_en,
    regions.name_zh as region_name_zh,
    services.name_en as service_name_en,
    services.name_zh as service_name_zh,
    by_cell.currency,
    by_cell.unit,
    by_cell.value_type,

    case
        when by_cell.value_before is not null then first_vintages.vintage
        when by_cell.value_before is null then by_cell.next_vintage
    end as first_vintage,
    by_cell.latest_vintage,
    {{ to_double('coalesce(by_cell.value_before, by_cell.next_value)') }} as first_value,
    case
        when by_cell.value_before is not null then {{ to_double('by_cell.next_value') }}
        when by_cell.value_before is null then {{ to_double('by_cell.next_value_but_one') }}
    end as second_value,
    {{ to_double('by_cell.latest_value') }} as latest_value,

    by_cell.revision_count,
    by_cell.withdrawal_count,
    {{ to_double('by_cell.change_sum') }} / nullif(by_cell.revision_count, 0) as mean_revision,
    {{ to_double('by_cell.absolute_change_sum') }} / nullif(by_cell.revision_count, 0) as mean_absolute_revision,
    {{ ratio_pct('by_cell.absolute_change_sum', 'by_cell.absolute_previous_sum') }} as mean_absolute_revision_pct,
    case
        when by_cell.up_count > 0 and by_cell.down_count > 0 then 'both'
        when by_cell.up_count > 0 then 'up'
        when by_cell.down_count > 0 then 'down'
        when by_cell.revision_count = 0 then 'none'
    end as direction
from by_cell
left join first_vintages on by_cell.source = first_vintages.source
left join {{ ref('dim_source') }} as sources on by_cell.source = sources.source
left join {{ ref('dim_economy') }} as reporters on by_cell.reporter = reporters.economy
left join {{ ref('dim_economy') }} as partners on by_cell.partner = partners.economy
left join {{ ref('dim_region') }} as regions on by_cell.region = regions.region
left join {{ ref('dim_service') }} as services on by_cell.service = services.service
where by_cell.revision_count + by_cell.withdrawal_count > 0
order by {{ cell_columns('by_cell') }}
