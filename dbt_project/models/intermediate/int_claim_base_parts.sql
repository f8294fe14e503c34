{{ config(materialized='table') }}
{%- set series = 'source, vintage, value_type, currency, reporter, partner, region, period_year' -%}

with cells as (

    select
        *,
        coalesce(service, indicator) as item,
        row_number() over (
            partition by {{ series }}, coalesce(service, indicator), flow
            order by value desc, indicator asc
        ) as choice
    from {{ ref('int_claim_cells') }}
    where service is null or unit = 'million'

),

groups as (

    select * from {{ ref('service_group_member') }}
    where group_service in (select claims.service from {{ ref('claim') }} as claims)

),

-- A group of services is the published figure, or the sum of its categories.
items as (

    select distinct
        item as scope_item,
        item,
        0 as is_summed,
        1 as items_expected
    from cells
    union all
    select
        group_service as scope_item,
        service as item,
        1 as is_summed,
        count(*) over (partition by group_service) as items_expected
    from groups

),

-- A total or balance is the published figure, or is derived from exports and imports.
flows as (

    select distinct
        flow as scope_flow,
        flow,
        1 as sign,
        0 as is_derived,
        1 as flows_expected
    from cells
    {% for scope_flow, flow, sign in [
        ('total', 'exports', 1), ('total', 'imports', 1), ('balance', 'exports', 1), ('balance', 'imports', -1)
    ] -%}
        union all
        select
            '{{ scope_flow }}' as scope_flow,
            '{{ flow }}' as flow,
            {{ sign }} as sign,
            1 as is_derived,
            2 as flows_expected
    {% endfor %}
),

alternatives as (

    select
        cells.*,
        items.scope_item,
        items.is_summed,
        flows.scope_flow,
        flows.sign,
        flows.is_derived,
        items.items_expected * flows.flows_expected as parts_expected
    from cells
    inner join items on cells.item = items.item
    inner join flows on cells.flow = flows.flow
    where cells.choice = 1

),

counted as (

    select
        *,
        count(*) over (partition by {{ series }}, scope_item, is_summed, scope_flow, is_derived) as parts_found,
        min(is_summed) over (partition by {{ series }}, scope_item) as is_summed_only
    from alternatives

),

-- A group is summed only where every category has the flow and the source publishes no figure of the group itself.
complete as (

    select
        *,
        min(is_derived) over (partition by {{ series }}, scope_item, scope_flow) as is_derived_only,
        row_number() over (partition by {{ series }}, scope_item, scope_flow, is_derived order by item, flow) as part_number
    from counted
    where parts_found = parts_expected and is_summed = is_summed_only

)

select * from complete
where is_derived = is_derived_only
