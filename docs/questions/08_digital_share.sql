-- How much of China's exports can be delivered digitally, and how does it compare?
select
    reporter,
    reporter_name_en,
    period_label as year,
    value_usd_million,
    share_of_services_pct,
    source_name
from bi.digital
where reporter in ('CHN', 'USA', 'IND', 'DEU') and flow = 'exports' and period_label = '2022'
order by share_of_services_pct desc nulls last, reporter
