-- Fails where a source has all twelve EBOPS items (SA to SL) of a cell and their shares do not add up to 100 percent of
-- its total. SAFE's do, to the twelfth digit, with the corrections of seeds.safe_correction; those of BaTiS, which prints
-- a limited number of digits, to 0.0000000025. Without a total the shares are null, and nothing is compared.
select
    mart.source,
    mart.reporter,
    mart.period_label,
    mart.currency,
    mart.value_type,
    mart.flow,
    sum(mart.share_pct) as share_pct
from {{ ref('mart_trade_structure') }} as mart
inner join {{ ref('dim_service') }} as services on mart.service = services.service
where services.parent_service = 'S' and not services.is_derived
group by mart.source, mart.reporter, mart.period_label, mart.currency, mart.value_type, mart.flow
having
    count(*) = 12
    and abs(sum(mart.share_pct) - 100) > 1e-8
