{{ config(by_source=['int_trade_by_cell', 'int_world_trade']) }}
-- The figures of economies that can be ranked, each with the number and the sum of those that it is compared with.
with cells as (

    select * from {{ ref('int_trade_by_cell') }}
    where frequency = 'A'

),

worlds as (

    select * from {{ ref('int_world_trade') }}
    where frequency = 'A'

),

economies as (

    select * from {{ ref('dim_economy') }}
    where economy_type in {{ economy_types() }}

),

-- a balance has no share of the world, and its order is no order of size
figures as (

    {% for flow in ['exports', 'imports', 'total'] %}
        select
            {{ reporter_cell_columns('cells') }},
            cells.service,
            '{{ flow }}' as flow,
            cells.{{ flow }}_million as value_million,
            cells.{{ flow }}_status as status,
            worlds.{{ flow }}_million as world_million,
            worlds.world_basis
        from cells
        inner join economies on cells.reporter = economies.economy
        inner join worlds
            on
                {{ is_same_world_cell('cells', 'worlds') }}
                and cells.service = worlds.service
        where cells.{{ flow }}_million is not null and worlds.{{ flow }}_million > 0
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

tables as (

    select
        {{ world_cell_columns() }},
        service,
        flow,
        count(*) as economies_ranked,
        sum(value_million) as economies_million,
        min(value_million) as least_million
    from figures
    group by {{ world_cell_columns() }}, service, flow, world_basis
    having
        count(*) > 1
        and case world_basis
            when 'stated'
                then {{ ratio_pct('sum(value_million)', 'max(world_million)') }} >= {{ least_economies_share_pct() }}
            when 'summed' then count(*) >= {{ least_economies_summed() }}
        end

)

select
    figures.*,
    tables.economies_ranked,
    tables.economies_million,
    tables.least_million
from figures
inner join tables
    on
        {{ is_same_world_cell('figures', 'tables') }}
        and figures.service = tables.service
        and figures.flow = tables.flow
