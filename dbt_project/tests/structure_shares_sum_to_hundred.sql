-- Fails where a source has all twelve EBOPS items (SA to SL) of a cell and their shares do not add up to what their amounts
-- are of its total: 100 percent where the publisher's items add up. Whether they do is a question for the release gate
-- (marts.mart_trade_structure), which knows the sources that an operator has decided on. Without a total nothing is compared.
with totals as (

    select * from {{ ref('mart_trade_structure') }}
    where service = 'S'

)

select
    mart.source,
    mart.reporter,
    mart.period_label,
    mart.currency,
    mart.value_type,
    mart.flow,
    sum(mart.share_pct) as share_pct,
    100 * sum(mart.value_million) / max(totals.value_million) as share_of_sum_pct
from {{ ref('mart_trade_structure') }} as mart
inner join {{ ref('dim_service') }} as services on mart.service = services.service
inner join totals
    on
        {{ is_same_cell('mart', 'totals') }}
        and mart.flow = totals.flow
where
    services.parent_service = 'S' and not services.is_derived
    and mart.flow <> 'balance' and totals.value_million <> 0
group by mart.source, mart.reporter, mart.period_label, mart.currency, mart.value_type, mart.flow
having
    count(mart.value_million) = 12
    and not coalesce(
        abs(sum(mart.share_pct) - 100 * sum(mart.value_million) / max(totals.value_million)) <= 1e-9 * sum(abs(mart.share_pct)),
        false
    )
