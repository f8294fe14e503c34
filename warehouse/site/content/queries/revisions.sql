select
    source,
    series_name_en as series_label,
    reporter_name_en,
    reporter_name_zh,
    region_name_en,
    region_name_zh,
    period_label,
    unit,
    previous_vintage,
    vintage,
    previous_value,
    value,
    change_pct,
    threshold_pct
from bi.revision
where is_alert
order by abs(change_pct) desc nulls first, source, series asc, period_label asc, vintage asc
limit 40
