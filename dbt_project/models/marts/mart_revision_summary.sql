-- What a revision starts from is known without the older vintages: a cell whose first revision is not 'new' had its
-- value in the source's first vintage already, or an earlier revision would have brought it.
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
        row_number() over (partition by {{ cell_columns() }} order by vintage) as place,
        row_number() over (partition by {{ cell_columns() }} order by vintage desc) as place_from_last
    from revisions

),

-- every value that was stated, once: the one that the first revision starts from, and the one that each ends in
stated as (

    select
        {{ cell_columns() }},
        vintage,
        value
    from in_order
    where value is not null
    union all
    select
        {{ cell_columns('in_order') }},
        first_vintages.vintage,
        in_order.previous_value as value
    from in_order
    inner join first_vintages on in_order.source = first_vintages.source
    where
        in_order.place = 1
        and in_order.previous_value is not null

),

stated_in_order as (

    select
        *,
        row_number() over (partition by {{ cell_columns() }} order by vintage) as place
    from stated

),

firsts as (

    select
        {{ cell_columns() }},
        max(case when place = 1 then vintage end) as first_vintage,
        max(case when place = 1 then value end) as first_value,
        max(case when place = 2 then value end) as second_value
    from stated_in_order
    group by {{ cell_columns() }}

),

counted as (

    select
        {{ cell_columns() }},
        min(series) as series,
        min(period_label) as period_label,
        max(vintage) as latest_vintage,
        max(case when place_from_last = 1 then value end) as latest_value,

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
    counted.source,
    counted.series,
    counted.reporter,
    counted.partner,
    counted.region,
    counted.service,
    counted.flow,
    counted.indicator,
    counted.frequency,
    counted.period_start,
    counted.period_end,
    counted.period_label,
    counted.currency,
    counted.unit,
    counted.value_type,

    firsts.first_vintage,
    counted.latest_vintage,
    {{ to_double('firsts.first_value') }} as first_value,
    {{ to_double('firsts.second_value') }} as second_value,
    {{ to_double('counted.latest_value') }} as latest_value,

    counted.revision_count,
    counted.withdrawal_count,
    {{ to_double('counted.change_sum') }} / nullif(counted.revision_count, 0) as mean_revision,
    {{ to_double('counted.absolute_change_sum') }} / nullif(counted.revision_count, 0) as mean_absolute_revision,
    {{ ratio_pct('counted.absolute_change_sum', 'counted.absolute_previous_sum') }} as mean_absolute_revision_pct,
    case
        when counted.up_count > 0 and counted.down_count > 0 then 'both'
        when counted.up_count > 0 then 'up'
        when counted.down_count > 0 then 'down'
        when counted.revision_count = 0 then 'none'
    end as direction
from counted
inner join firsts
    on
        counted.source = firsts.source
        and counted.reporter = firsts.reporter
        and counted.partner = firsts.partner
        and counted.region is not distinct from firsts.region
        and counted.service is not distinct from firsts.service
        and counted.indicator is not distinct from firsts.indicator
        and counted.flow is not distinct from firsts.flow
        and counted.frequency = firsts.frequency
        and counted.period_start = firsts.period_start
        and counted.period_end = firsts.period_end
        and counted.currency is not distinct from firsts.currency
        and counted.unit = firsts.unit
        and counted.value_type = firsts.value_type
where counted.revision_count + counted.withdrawal_count > 0
order by
    counted.source, counted.reporter, counted.partner, counted.region, counted.service, counted.indicator, counted.flow,
    counted.frequency, counted.period_start, counted.period_end, counted.currency, counted.unit, counted.value_type
