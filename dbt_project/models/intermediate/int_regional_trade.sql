with trade as (

    select * from {{ ref('fct_regional_services_trade') }}
    where service = 'S'

),

members as (

    select
        region_group,
        region,
        count(*) over (partition by region_group) as members_expected
    from {{ ref('region_member') }}

),

expected as (

    select
        region_group,
        max(members_expected) as members_expected
    from members
    group by region_group

),

-- every figure of a region, and the sum of every group of which a province has a figure
figures as (

    select
        {{ reporter_cell_columns() }},
        flow,
        region,
        value_million as published_million,
        status,
        cast(null as decimal(38, 18)) as summed_million,
        cast(null as bigint) as members_counted
    from trade
    union all
    select
        {{ reporter_cell_columns('trade') }},
        trade.flow,
        members.region_group as region,
        cast(null as decimal(38, 18)) as published_million,
        cast(null as {{ dbt.type_string() }}) as status,
        sum(trade.value_million) as summed_million,
        count(*) as members_counted
    from trade
    inner join members on trade.region = members.region
    group by {{ reporter_cell_columns('trade') }}, trade.flow, members.region_group

),

by_region as (

    select
        {{ reporter_cell_columns() }},
        flow,
        region,
        max(published_million) as published_million,
        max(status) as status,
        max(summed_million) as summed_million,
        max(members_counted) as members_counted
    from figures
    group by {{ reporter_cell_columns() }}, flow, region

)

-- the publisher's own figure of a group comes before the sum; a sum of fewer than all members is no figure of the group
select
    {{ reporter_cell_columns('by_region') }},
    by_region.flow,
    by_region.region,
    by_region.status,
    case
        when by_region.published_million is not null then by_region.published_million
        when by_region.members_counted = expected.members_expected then by_region.summed_million
    end as value_million,
    by_region.members_counted,
    expected.members_expected,
    case
        when by_region.published_million is not null then 'published'
        when by_region.members_counted = expected.members_expected then 'summed'
        when by_region.members_counted <> expected.members_expected then 'incomplete'
    end as basis
from by_region
left join expected on by_region.region = expected.region_group
