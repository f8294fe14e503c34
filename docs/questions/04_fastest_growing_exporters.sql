-- Which of the larger exporters grew fastest?
select
    reporter,
    reporter_name_en,
    exports_growth_pct,
    exports_usd_million,
    source_name
from bi.annual
where period_label = '2023' and exports_usd_million > 20000 and exports_growth_pct is not null
order by exports_growth_pct desc, reporter asc
limit 10
