select
    service,
    service_name_en,
    service_name_zh,
    flow,
    period_label,
    growth_contribution_pp,
    growth_pct,
    value_million as value_usd_million,
    source,
    vintage
from marts.mart_trade_structure
where
    reporter = 'CHN' and frequency = 'A' and currency = 'USD' and is_main_item and is_preferred
    and flow in ('exports', 'imports') and growth_contribution_pp is not null
    and period_label = (select max(latest.period_label) from bi.mix as latest where latest.reporter = 'CHN')
order by flow asc, growth_contribution_pp desc, service asc
