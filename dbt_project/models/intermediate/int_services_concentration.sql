{{ config(by_source=['int_trade_by_cell']) }}
with cells as (

    select * from {{ ref('int_trade_by_cell') }}

),

services as (

    select * from {{ ref('dim_service') }}
    where parent_service = 'S' and not is_derived

),

-- the twelve items that EBOPS 2010 divides services into; derived items overlap them
twelve as (

    select
        cells.*,
        sum(cells.exports_million) over (partition by {{ reporter_cell_columns('cells') }}) as exports_of_all
    from cells
    inner join services on cells.service = services.service
    where cells.exports_million is not null

)

select
    {{ reporter_cell_columns() }},
    -- squares are summed as decimals: doubles would depend on the order of the rows in the last digit
    sum(cast(power({{ share_of('exports_million', 'exports_of_all') }}, 2) as decimal(38, 18))) as hhi_services
from twelve
group by {{ reporter_cell_columns() }}
having
    count(*) = (select count(*) from services)
    and min(exports_million) >= 0
