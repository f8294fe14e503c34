{{ config(by_source=['int_trade_by_cell']) }}
-- All services of a reporter: the item S where the source states it, else the sum of the items that divide its total.
with cells as (

    select * from {{ ref('int_trade_by_cell') }}

),

items as (

    select * from {{ ref('services_total_item') }}

),

requirements as (

    select
        source,
        count(*) as items_required
    from items
    where is_required
    group by source

),

summed as (

    select
        {{ reporter_cell_columns('cells') }},
        sum(cells.exports_million) as exports_million,
        sum(cells.imports_million) as imports_million,
        count(case when items.is_required then cells.exports_million end) as exports_items,
        count(case when items.is_required then cells.imports_million end) as imports_items
    from cells
    inner join items
        on
            cells.source = items.source
            and cells.service = items.service
    group by {{ reporter_cell_columns('cells') }}

)

select
    {{ reporter_cell_columns() }},
    exports_million,
    imports_million,
    false as is_summed
from cells
where service = 'S'
union all
select
    {{ reporter_cell_columns('summed') }},
    case when summed.exports_items = requirements.items_required then summed.exports_million end as exports_million,
    case when summed.imports_items = requirements.items_required then summed.imports_million end as imports_million,
    true as is_summed
from summed
inner join requirements on summed.source = requirements.source
