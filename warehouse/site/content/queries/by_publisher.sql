select
    period_label,
    period_start,
    {{ flow }}_usd_million,
    value_type,
    source,
    vintage
from bi.compare_sources
where reporter = 'CHN' and currency = 'USD' and period_label >= '2000' and {{ flow }}_usd_million is not null
order by source, period_label
