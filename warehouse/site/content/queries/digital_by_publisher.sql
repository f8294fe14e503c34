select
    period_label,
    period_start,
    flow,
    group_service,
    group_name_en,
    group_name_zh,
    value_million as value_usd_million,
    share_of_services_pct,
    value_type,
    is_published,
    source,
    vintage
from marts.mart_digital_trade
where
    reporter = 'CHN' and frequency = 'A' and currency = 'USD' and group_service in ('DDS', 'DDEL')
    and flow in ('exports', 'imports') and value_million is not null and period_label >= '2005'
order by source, flow, period_label
