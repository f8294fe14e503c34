-- How large a part of exports is knowledge-intensive, year by year?
select
    period_label as year,
    100 * sum(case when is_knowledge_intensive then value_usd_million else 0 end) / sum(value_usd_million)
        as knowledge_intensive_share_pct
from bi.mix
where reporter = 'CHN' and flow = 'exports' and period_start >= date '2015-01-01'
group by period_label
order by period_label desc
