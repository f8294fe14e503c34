select
    reporter,
    period_label,
    exports_usd_million,
    imports_usd_million,
    source,
    vintage
from bi.annual
where currency = 'USD' and period_label >= '2000'
order by reporter, period_label
