select
    reporter,
    period_label,
    exports_usd_million,
    imports_usd_million,
    total_usd_million,
    balance_usd_million,
    exports_growth_pct,
    imports_growth_pct,
    value_type,
    source,
    vintage
from bi.annual
where currency = 'USD' and period_label >= '2000'
order by reporter, period_label
