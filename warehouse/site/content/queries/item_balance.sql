select
    service,
    service_name_en,
    service_name_zh,
    period_label,
    sum(case when flow = 'exports' then value_usd_million end) as exports_usd_million,
    sum(case when flow = 'imports' then value_usd_million end) as imports_usd_million,
    sum(case when flow = 'exports' then value_usd_million end)
    - sum(case when flow = 'imports' then value_usd_million end) as balance_usd_million,
    max(source) as source,
    max(vintage) as vintage
from bi.mix
where
    reporter = 'CHN'
    and period_label = (select max(latest.period_label) from bi.mix as latest where latest.reporter = 'CHN')
group by service, service_name_en, service_name_zh, period_label
order by balance_usd_million desc, service asc
