-- Fails on a part that is stated, and whose whole is, without a share; on a share without a part or a whole; and on a null share,
-- openness, computed rate or year of a break, without its reason. Items are no shares of a mix of which most is not compiled.
with wholes as (

    select * from {{ ref('mart_trade_structure') }}
    where service = 'S' and flow <> 'balance'

),

items as (

    select
        'mart_trade_structure' as mart,
        concat_ws(', ', items.source, items.reporter, items.service, items.flow, items.period_label, items.currency) as cell,
        items.share_pct is not null as has_share,
        coalesce(items.value_million is not null and wholes.value_million <> 0, false)
        and (items.service = 'S' or items.items_not_compiled <= 6) as has_both
    from {{ ref('mart_trade_structure') }} as items
    left join wholes
        on
            {{ is_same_cell('items', 'wholes') }}
            and items.flow = wholes.flow

),

partners as (

    select
        'mart_trade_partner' as mart,
        concat_ws(
            ', ', partners.source, partners.reporter, partners.partner, partners.service, partners.flow, partners.period_label
        ) as cell,
        partners.share_pct is not null as has_share,
        coalesce(partners.value_million is not null and worlds.value_million <> 0, false) as has_both
    from {{ ref('mart_trade_partner') }} as partners
    left join {{ ref('fct_services_trade') }} as worlds
        on
            {{ is_same_cell('partners', 'worlds') }}
            and partners.service = worlds.service
            and partners.flow = worlds.flow
            and worlds.indicator is null
    where partners.flow <> 'balance'

),

reasons as (

    select
        'mart_trade_regional' as mart,
        concat_ws(', ', source, region, flow, period_label, currency) as cell,
        share_pct is not null as has_share,
        share_reason is null as has_both
    from {{ ref('mart_trade_regional') }}
    union all
    select
        'mart_digital_trade' as mart,
        concat_ws(', ', source, reporter, group_service, flow, period_label, currency) as cell,
        share_of_services_pct is not null as has_share,
        share_reason is null as has_both
    from {{ ref('mart_digital_trade') }}
    union all
    select
        'mart_reconciliation' as mart,
        concat_ws(', ', source_a, source_b, reporter, service, flow, period_label, currency) as cell,
        break_year is not null as has_share,
        break_reason is null as has_both
    from {{ ref('mart_reconciliation') }}
    union all
    select
        'mart_trade_scale' as mart,
        concat_ws(', ', source, reporter, period_label, currency) as cell,
        openness_pct is not null as has_share,
        openness_reason is null as has_both
    from {{ ref('mart_trade_scale') }}
    union all
    select
        'mart_trade_scale' as mart,
        concat_ws(', ', source, reporter, period_label, currency, 'services in trade') as cell,
        services_share_of_trade_pct is not null as has_share,
        services_share_reason is null as has_both
    from {{ ref('mart_trade_scale') }}
    union all
    select
        'mart_published_rate' as mart,
        concat_ws(', ', source, reporter, partner, region, indicator, period_label) as cell,
        is_within_precision is not null as has_share,
        reason is null as has_both
    from {{ ref('mart_published_rate') }}

),

compared as (

    select * from items
    union all
    select * from partners
    union all
    select * from reasons

)

select * from compared
where has_share <> has_both
