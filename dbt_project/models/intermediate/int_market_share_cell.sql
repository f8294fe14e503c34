{{ config(by_source=['int_trade_by_cell', 'fct_bilateral_services_trade']) }}
-- The exports that are decomposed: of each item to the world, and of each item to each market where the source balances both
-- sides.
with items as (

    select service from {{ ref('dim_service') }}
    where parent_service = 'S' and not is_derived

    union

    select service from {{ ref('atlas_services_item') }}

),

economies as (

    select economy from {{ ref('dim_economy') }}
    where economy_type in ('economy', 'dissolved')

)

select
    'items' as form,
    {{ reporter_cell_columns('cells') }},
    cells.service,
    'WLD' as market,
    cast(extract(year from cells.period_start) as integer) as calendar_year,
    cells.exports_million as value_million
from {{ ref('int_trade_by_cell') }} as cells
inner join items on cells.service = items.service
inner join economies on cells.reporter = economies.economy
where cells.frequency = 'A' and cells.exports_million is not null

union all

select
    'items and markets' as form,
    {{ reporter_cell_columns('trade') }},
    trade.service,
    trade.partner as market,
    cast(extract(year from trade.period_start) as integer) as calendar_year,
    trade.value_million
from {{ ref('fct_bilateral_services_trade') }} as trade
inner join items on trade.service = items.service
inner join economies on trade.reporter = economies.economy
inner join economies as partners on trade.partner = partners.economy
where
    trade.frequency = 'A'
    and trade.flow = 'exports'
    and trade.value_type = 'balanced'
    and trade.value_million is not null
    and trade.partner <> trade.reporter
