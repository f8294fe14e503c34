select
    period_label,
    period_start,
    series_name_en as series_label,
    reporter_name_en,
    reporter_name_zh,
    indicator,
    flow,
    unit,
    previous_value,
    value,
    change_pct,
    kind,
    source,
    previous_vintage,
    vintage
from bi.revision
where reporter = 'CHN' and kind = 'changed' and frequency = 'A' and unit != 'pct' and change_pct is not null
order by source, series, period_label, vintage
