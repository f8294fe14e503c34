{{ config(materialized='table', by_source=['int_trade_by_cell']) }}
-- A table, since several marts read it. The world of each source that has one: its own row, or the sum of its economies.
with cells as (

    select * from {{ ref('int_trade_by_cell') }}

),

economies as (

    select * from {{ ref('dim_economy') }}
    where economy_type in {{ economy_types() }}

),

sources as (

    select * from {{ ref('dim_source') }}
    where world_basis is not null

),

goods as (

    select * from {{ ref('int_goods_total') }}

),

items as (

    select * from {{ ref('services_total_item') }}

),

stated as (

    select
        {{ world_cell_columns('cells') }},
        cells.service,
        sources.world_basis,
        cells.exports_million,
        cells.imports_million,
        cells.total_million
    from cells
    inner join sources on cells.source = sources.source
    where sources.world_basis = 'stated' and cells.reporter = 'WLD'

),

-- groups would count their members twice, and a balancing entry is the other side of the same trade
summed as (

    select
        {{ world_cell_columns('cells') }},
        cells.service,
        sources.world_basis,
        sum(cells.exports_million) as exports_million,
        sum(cells.imports_million) as imports_million,
        sum(cells.total_million) as total_million
    from cells
    inner join sources on cells.source = sources.source
    inner join economies on cells.reporter = economies.economy
    where sources.world_basis = 'summed'
    group by {{ world_cell_columns('cells') }}, cells.service, sources.world_basis

),

summed_wholes as (

    select
        {{ world_cell_columns('summed') }},
        'S' as service,
        summed.world_basis,
        sum(summed.exports_million) as exports_million,
        sum(summed.imports_million) as imports_million,
        sum(summed.total_million) as total_million
    from summed
    inner join items
        on
            summed.source = items.source
            and summed.service = items.service
    group by {{ world_cell_columns('summed') }}, summed.world_basis

),

worlds as (

    select * from stated
    union all
    select * from summed
    union all
    select * from summed_wholes

)

select
    worlds.*,
    -- what a share of the exports is of: all services for an item, goods and services for all services
    case
        when worlds.service = 'S' then worlds.exports_million + goods.exports_million
        when worlds.service <> 'S' then totals.exports_million
    end as whole_exports_million
from worlds
left join worlds as totals
    on
        {{ is_same_world_cell('worlds', 'totals') }}
        and totals.service = 'S'
left join sources on worlds.source = sources.source
left join goods
    on
        sources.goods_source = goods.source
        and goods.reporter = 'WLD'
        and {{ is_same_period_and_currency('worlds', 'goods') }}
