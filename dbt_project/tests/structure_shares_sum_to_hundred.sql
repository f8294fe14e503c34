-- Fails where a source has all twelve EBOPS items (SA to SL) of a cell and their shares do not add up to 100 percent of
-- its total. SAFE's do, to the twelfth digit, with the corrections of seeds.safe_correction; those of BaTiS, which prints
-- a limited number of digits, to 0.0000000025.
with items as (

    select
        mart.source,
        mart.reporter,
        mart.period_label,
        mart.currency,
        mart.value_type,
        mart.flow,
        count(*) as items,
        sum(mart.share_pct) as share_pct
    from {{ ref('mart_trade_structure') }} as mart
    inner join {{ ref('dim_service') }} as services on mart.service = services.service
    where services.parent_service = 'S' and not services.is_derived
    group by mart.source, mart.reporter, mart.period_label, mart.currency, mart.value_type, mart.flow

),

totals as (

    select * from {{ ref('mart_trade_structure') }}
    where service = 'S'

)

select
    items.*,
    totals.value_million
from items
inner join totals
    on
        items.source = totals.source
        and items.reporter = totals.reporter
        and items.period_label = totals.period_label
        and items.currency = totals.currency
        and items.value_type = totals.value_type
        and items.flow = totals.flow
where
    items.items = 12
    and abs(items.share_pct - 100) > 1e-8
