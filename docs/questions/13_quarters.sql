-- How do China's quarters compare with those of the year before?
select
    period_label as quarter,
    exports_usd_million,
    exports_growth_pct,
    imports_usd_million,
    imports_growth_pct
from bi.quarterly
where reporter = 'CHN'
order by period_start desc
limit 12
