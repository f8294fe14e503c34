-- Do publishers agree on China's exports?
select
    period_label as year,
    source_name,
    value_type,
    exports_usd_million,
    exports_usd_million - min(exports_usd_million) over (partition by period_label) as above_lowest_usd_million
from bi.compare_sources
where reporter = 'CHN' and period_label in ('2010', '2017', '2021') and exports_usd_million is not null
order by period_label desc, exports_usd_million desc, source_name asc
