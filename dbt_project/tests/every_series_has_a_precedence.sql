-- Fails on a source and currency with figures but no line in seeds.source_precedence: its rows could never be preferred.
select distinct
    trade.source,
    trade.currency
from {{ ref('fct_services_trade') }} as trade
left join {{ ref('source_precedence') }} as precedence
    on trade.source = precedence.source and trade.currency = precedence.currency
where precedence.priority is null
