with cells as (

    select * from {{ ref('int_trade_by_cell') }}

),

services as (

    select * from {{ ref('dim_service') }}

),

economies as (

    select * from {{ ref('dim_economy') }}

),

members as (

    select
        group_service,
        service,
        count(*) over (partition by group_service) as members_expected
    from {{ ref('service_group_member') }}
    where group_service in ('DDS', 'KIS')

),

published as (

    select * from cells
    where service in ('DDS', 'KIS', 'DDEL')

),

-- null unless all members have a figure
summed as (

    select
        {{ reporter_cell_columns('cells') }},
        members.group_service,
        case
            when count(cells.exports_million) = max(members.members_expected) then sum(cells.exports_million)
        end as exports_million,
        case
            when count(cells.imports_million) = max(members.members_expected) then sum(cells.imports_million)
        end as imports_million
    from cells
    inner join members on cells.service = members.service
    group by {{ reporter_cell_columns('cells') }}, members.group_service

),

-- a group that the publisher prints comes before the sum of its members
grouped as (

    select
        {{ reporter_cell_columns() }},
        service as group_service,
        exports_million,
        imports_million,
        exports_status,
        imports_status,
        true as is_of_published
    from published

    union all

    select
        {{ reporter_cell_columns('summed') }},
        summed.group_service,
        case when published.exports_million is null then summed.exports_million end as exports_million,
        case when published.imports_million is null then summed.imports_million end as imports_million,
        cast(null as {{ dbt.type_string() }}) as exports_status,
        cast(null as {{ dbt.type_string() }}) as imports_status,
        false as is_of_published
    from summed
    left join published
        on
            {{ is_same_cell('summed', 'published') }}
            and summed.group_service = published.service

),

flows as (

    select 'exports' as flow
    union all
    select 'imports' as flow
    union all
    select 'total' as flow

),

amounts as (

    select
        {{ reporter_cell_columns('grouped') }},
        grouped.group_service,
        flows.flow,
        {{ amount_of_flow('flows.flow', 'grouped') }} as value_million,
        {{ amount_of_flow('flows.flow', 'totals') }} as services_million,
        case flows.flow
            when 'exports' then grouped.exports_status
            when 'imports' then grouped.imports_status
        end as status,
        grouped.is_of_published,
        grouped.is_of_published and flows.flow <> 'total' as is_published
    from grouped
    cross join flows
    left join cells as totals
        on
            {{ is_same_cell('grouped', 'totals') }}
            and totals.service = 'S'

)

select
    {{ reporter_cell_columns('amounts') }},
    economies.name_en as reporter_name_en,
    economies.name_zh as reporter_name_zh,
    amounts.status,
    amounts.group_service,
    services.name_en as group_name_en,
    services.name_zh as group_name_zh,
    services.definition,
    services.source_url as definition_source_url,
    amounts.flow,
    {{ to_double('amounts.value_million') }} as value_million,
    {{ ratio_pct('amounts.value_million', 'amounts.services_million') }} as share_of_services_pct,
    {{ growth_pct('amounts.value_million', 'previous.value_million') }} as growth_pct,
    amounts.is_published
from amounts
left join services on amounts.group_service = services.service
left join economies on amounts.reporter = economies.economy
left join amounts as previous
    on
        {{ is_same_period_of_previous_year('previous', 'amounts') }}
        and previous.group_service = amounts.group_service
        and previous.flow = amounts.flow
        and previous.is_of_published = amounts.is_of_published
where amounts.value_million is not null
