-- Fails on a rank of a single partner, of a group or residual, of a balance, or where the economies that the source names are
-- not most of the reporter's world figure in core; and on an economy without a rank where they are.
with economies as (

    select * from {{ ref('dim_economy') }}
    where economy_type in ('economy', 'dissolved')

),

named as (

    select
        trade.source,
        trade.vintage,
        trade.reporter,
        trade.frequency,
        trade.period_label,
        trade.currency,
        trade.value_type,
        trade.service,
        trade.flow,
        count(*) as partners_counted,
        sum(trade.value_million) as value_million
    from {{ ref('fct_bilateral_services_trade') }} as trade
    inner join economies on trade.partner = economies.economy
    group by
        trade.source, trade.vintage, trade.reporter, trade.frequency, trade.period_label, trade.currency, trade.value_type,
        trade.service, trade.flow

),

rankable as (

    select named.*
    from named
    inner join {{ ref('fct_services_trade') }} as worlds
        on
            named.source = worlds.source
            and named.vintage = worlds.vintage
            and named.reporter = worlds.reporter
            and named.frequency = worlds.frequency
            and named.period_label = worlds.period_label
            and named.currency = worlds.currency
            and named.value_type = worlds.value_type
            and named.service = worlds.service
            and named.flow = worlds.flow
    where
        worlds.indicator is null
        and worlds.value_million > 0
        and worlds.flow <> 'balance'
        and named.partners_counted > 1
        and named.value_million / worlds.value_million >= {{ least_partners_share_pct() }} / 100

)

select
    partners.source,
    partners.reporter,
    partners.partner,
    partners.frequency,
    partners.period_label,
    partners.service,
    partners.flow,
    partners.partner_rank,
    partners.partners_counted,
    partners.partners_share_pct
from {{ ref('mart_trade_partner') }} as partners
left join economies on partners.partner = economies.economy
left join rankable
    on
        partners.source = rankable.source
        and partners.vintage = rankable.vintage
        and partners.reporter = rankable.reporter
        and partners.frequency = rankable.frequency
        and partners.period_label = rankable.period_label
        and partners.currency = rankable.currency
        and partners.value_type = rankable.value_type
        and partners.service = rankable.service
        and partners.flow = rankable.flow
where (partners.partner_rank is not null) <> (economies.economy is not null and rankable.source is not null)
