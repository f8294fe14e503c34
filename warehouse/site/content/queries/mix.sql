select
    period_label,
    period_start,
    service,
    service_name_en,
    service_name_zh,
    share_pct,
    value_usd_million,
    growth_pct,
    status,
    source,
    vintage
from bi.mix
where reporter = 'CHN' and flow = '{{ flow }}' and period_label >= '2010' and share_pct is not null
order by period_label, service
