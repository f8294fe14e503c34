-- Which provinces are known to trade how much?
select
    region_name_en,
    period_label,
    value_million,
    currency,
    share_pct,
    published_share_pct,
    status
from marts.mart_trade_regional
where region_type = 'province' and flow = 'total' and frequency = 'A' and value_million is not null
order by period_start desc, value_million desc, region asc, currency asc
limit 12
