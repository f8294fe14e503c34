-- How current is each source, and is anything late?
select
    source,
    status,
    latest_vintage,
    max(latest_period) as latest_period,
    sum(missing_cells) as missing_cells
from marts.mart_freshness
group by source, status, latest_vintage
order by status, source
