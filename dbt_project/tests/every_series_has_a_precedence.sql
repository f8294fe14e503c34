-- Fails on a source, currency and kind of value with figures but no line in seeds.source_precedence: its rows could never be preferred.
select distinct
    trade.source,
    trade.currency,
    trade.value_type
from {{ ref('fct_services_trade') }} as trade
left join {{ ref('source_precedence') }} as precedence
    on
        trade.source = precedence.source
        and trade.currency = precedence.currency
        and trade.value_type = precedence.value_type
where precedence.priority is null
