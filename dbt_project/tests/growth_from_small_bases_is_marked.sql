-- Fails on a growth rate of partners or groups that does not say whether it starts from a small amount, on a mark without a
-- rate, and on a mark that the value and its growth contradict.
with rates as (

    select
        source,
        reporter,
        partner,
        frequency,
        period_label,
        service,
        flow,
        value_million,
        growth_pct,
        is_small_base
    from {{ ref('mart_trade_partner') }}
    union all
    select
        source,
        reporter,
        concat_ws(', ', group_code, composition) as partner,
        frequency,
        period_label,
        service,
        flow,
        value_million,
        growth_pct,
        is_small_base
    from {{ ref('mart_trade_partner_group') }}

)

select *
from rates
where
    (growth_pct is null) <> (is_small_base is null)
    or (
        value_million > 0
        and is_small_base <> (value_million / (1 + growth_pct / 100) < {{ small_base_million() }})
        and abs(value_million / (1 + growth_pct / 100) - {{ small_base_million() }}) > 0.000001
    )
