-- Which services does China export?
select
    service,
    service_name_en,
    value_usd_million,
    share_pct,
    growth_pct
from bi.mix
where reporter = 'CHN' and period_label = '2023' and flow = 'exports'
order by value_usd_million desc, service asc
