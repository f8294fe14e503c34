{{ config(by_source=['int_trade_by_cell']) }}
with cells as (

    select * from {{ ref('int_trade_by_cell') }}

),

services as (

    select * from {{ ref('dim_service') }}
    where is_main_item

)

select
    {{ reporter_cell_columns('cells') }},
    count(case when cells.exports_status = '{{ not_compiled() }}' then 1 end) as exports_items,
    count(case when cells.imports_status = '{{ not_compiled() }}' then 1 end) as imports_items,
    -- a total is of both flows
    count(
        case when cells.exports_status = '{{ not_compiled() }}' or cells.imports_status = '{{ not_compiled() }}' then 1 end
    ) as total_items
from cells
inner join services on cells.service = services.service
group by {{ reporter_cell_columns('cells') }}
