{{ config(by_source=['int_trade_by_cell']) }}
{%- set is_printed = {'exports': 'true', 'imports': 'true', 'total': 'is_total_published', 'balance': 'is_balance_published'} %}
{%- set unprinted_amounts = {
    'exports': 'exports_million',
    'imports': 'imports_million',
    'total': 'case when total_million is null then exports_million + imports_million end',
    'balance': 'case when balance_million is null then exports_million - imports_million end',
} %}

with cells as (

    select * from {{ ref('int_trade_by_cell') }}

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

-- a group that the publisher prints goes before the sum of its members, flow by flow
unprinted as (

    select
        {{ reporter_cell_columns('summed') }},
        summed.group_service,
        case when published.exports_million is null then summed.exports_million end as exports_million,
        case when published.imports_million is null then summed.imports_million end as imports_million,
        published.total_million,
        published.balance_million
    from summed
    left join published
        on
            {{ is_same_cell('summed', 'published') }}
            and summed.group_service = published.service

),

figures as (

    {% for flow in ['exports', 'imports', 'total', 'balance'] %}
        select
            {{ reporter_cell_columns() }},
            service as group_service,
            '{{ flow }}' as flow,
            {{ flow }}_million as value_million,
            {{ flow }}_status as status,
            {{ is_printed[flow] }} as is_published,
            true as is_of_published
        from published
        union all
        select
            {{ reporter_cell_columns() }},
            group_service,
            '{{ flow }}' as flow,
            {{ unprinted_amounts[flow] }} as value_million,
            cast(null as {{ dbt.type_string() }}) as status,
            false as is_published,
            false as is_of_published
        from unprinted
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select * from figures
where value_million is not null
