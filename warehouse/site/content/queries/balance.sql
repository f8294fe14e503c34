select
    period_label,
    period_start,
    balance_usd_million,
    value_type,
    source,
    vintage,
    is_source_break
from bi.annual
where reporter = 'CHN' and currency = 'USD' and period_label >= '2000' and balance_usd_million is not null
order by period_label
