-- Which services made China's exports grow or shrink, in percentage points?
select
    service,
    service_name_en,
    growth_contribution_pp,
    growth_pct
from marts.mart_trade_structure
where
    source = 'safe_bop'
    and reporter = 'CHN'
    and period_label = '2023'
    and currency = 'USD'
    and flow = 'exports'
    and service <> 'S'
    and growth_contribution_pp is not null
order by growth_contribution_pp, service
