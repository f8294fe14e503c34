{{ config(materialized='table', by_source=['fct_bilateral_services_trade', 'int_trade_by_cell']) }}
-- A table, since its test reads all of its rows, and computes them again as a view.
with bilateral_exports as (

    select * from {{ ref('fct_bilateral_services_trade') }}
    where flow = 'exports'

),

cells as (

    select * from {{ ref('int_trade_by_cell') }}

),

economies as (

    select * from {{ ref('dim_economy') }}
    where economy_type in ('economy', 'dissolved')

),

partner_shares as (

    select
        {{ reporter_cell_columns('bilateral_exports') }},
        bilateral_exports.service,
        bilateral_exports.value_million,
        {{ share_of('bilateral_exports.value_million', 'cells.exports_million') }} as share
    from bilateral_exports
    inner join economies on bilateral_exports.partner = economies.economy
    inner join cells
        on
            {{ is_same_cell('bilateral_exports', 'cells') }}
            and bilateral_exports.service = cells.service

)

select
    {{ reporter_cell_columns() }},
    service,
    sum(cast(power(share, 2) as decimal(38, 18))) as hhi_partners
from partner_shares
group by {{ reporter_cell_columns() }}, service
-- a partner that is not named may be a large one: with a tenth of the exports it adds 0.01 at most
having
    min(value_million) >= 0
    and sum(cast(share as decimal(38, 18))) between 0.9 and 1.1
