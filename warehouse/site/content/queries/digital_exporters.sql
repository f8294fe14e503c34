select
    reporter,
    reporter_name_en,
    reporter_name_zh,
    period_label,
    value_usd_million,
    share_of_services_pct,
    growth_pct,
    source,
    vintage
from bi.digital
where
    flow = 'exports' and value_usd_million is not null
    and period_label = (
        select max(counted.period_label)
        from (
            select period_label
            from bi.digital
            where flow = 'exports'
            group by period_label
            having count(distinct reporter) >= 50
        ) as counted
    )
order by value_usd_million desc, reporter asc
limit 20
