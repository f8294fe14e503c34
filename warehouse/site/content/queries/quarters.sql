select
    period_label,
    period_start,
    flow,
    value_million as value_usd_million,
    seasonally_adjusted_million as seasonally_adjusted_usd_million,
    growth_on_year_pct,
    adjustment,
    source,
    vintage
from marts.mart_trade_short_term
where
    reporter = 'CHN' and frequency = 'Q' and currency = 'USD' and service = 'S'
    and flow in ('exports', 'imports') and is_preferred and period_label >= '2010'
order by flow, period_label
