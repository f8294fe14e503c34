-- How large are China's exports, imports and balance of services, year by year?
select
    period_label as year,
    exports_usd_million,
    imports_usd_million,
    balance_usd_million,
    source_name,
    is_source_break
from bi.annual
where reporter = 'CHN' and period_start >= date '2010-01-01'
order by period_start desc
