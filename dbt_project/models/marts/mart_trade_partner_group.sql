with trade as (

    select * from {{ ref('fct_bilateral_services_trade') }}

),

bridge as (

    select * from {{ ref('bridge_economy_group') }}

),

economy_groups as (

    select * from {{ ref('dim_economy_group') }}

),

worlds as (

    select * from {{ ref('fct_services_trade') }}
    where indicator is null

),

periods as (

    select distinct
        frequency,
        period_start,
        period_end
    from trade

),

-- the members of each group on the last day of each period: computed on a few thousand rows, so that the large
-- table below is joined by equal keys only
memberships as (

    select distinct
        bridge.group_code,
        bridge.economy,
        periods.frequency,
        periods.period_start,
        periods.period_end
    from periods
    inner join bridge
        on
            periods.period_end >= coalesce(bridge.valid_from, periods.period_end)
            and periods.period_end <= coalesce(bridge.valid_to, periods.period_end)

),

counted_memberships as (

    select
        *,
        count(*) over (partition by group_code, frequency, period_start, period_end) as members
    from memberships

),

sums as (

    select
        {{ reporter_cell_columns('trade') }},
        memberships.group_code,
        trade.service,
        trade.flow,
        max(memberships.members) as members,
        count(*) as members_counted,
        string_agg(trade.partner, ' ' order by trade.partner) as counted,
        sum(trade.value_million) as value_million
    from trade
    inner join counted_memberships as memberships
        on
            trade.partner = memberships.economy
            and {{ is_same_period('trade', 'memberships') }}
    where trade.partner <> trade.reporter
    group by {{ reporter_cell_columns('trade') }}, memberships.group_code, trade.service, trade.flow

)

select
    sums.source,
    sums.vintage,
    sums.reporter,
    sums.group_code,
    economy_groups.name_en as group_name_en,
    economy_groups.name_zh as group_name_zh,
    sums.frequency,
    sums.period_label,
    sums.currency,
    sums.value_type,
    sums.service,
    sums.flow,
    cast(sums.members_counted as integer) as members_counted,
    -- a reporter that belongs to the group is not one of its own partners
    cast(sums.members - case when own.economy is null then 0 else 1 end as integer) as members_expected,
    {{ to_double('sums.value_million') }} as value_million,
    {{ ratio_pct('sums.value_million', 'worlds.value_million') }} as share_pct,
    case
        when sums.flow <> 'balance' and previous.counted = sums.counted
            then {{ growth_pct('sums.value_million', 'previous.value_million') }}
    end as growth_pct
from sums
left join memberships as own
    on
        sums.group_code = own.group_code
        and sums.reporter = own.economy
        and {{ is_same_period('sums', 'own') }}
left join economy_groups on sums.group_code = economy_groups.group_code
left join worlds
    on
        {{ is_same_cell('sums', 'worlds') }}
        and sums.service = worlds.service
        and sums.flow = worlds.flow
left join sums as previous
    on
        {{ is_same_period_of_previous_year('previous', 'sums') }}
        and previous.group_code = sums.group_code
        and previous.service = sums.service
        and previous.flow = sums.flow
