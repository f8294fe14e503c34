select
    source,
    series,
    reporter_name_en,
    reporter_name_zh,
    service_name_en,
    service_name_zh,
    flow,
    period_label,
    unit,
    previous_vintage,
    vintage,
    previous_value,
    value,
    change_pct,
    threshold_pct
from marts.mart_revision_alert
order by abs(change_pct) desc nulls first, source, series asc, period_label asc
limit 40
