select
    group_code,
    group_name_en,
    group_name_zh,
    flow,
    period_label,
    value_usd_million,
    share_pct,
    growth_pct,
    members_counted,
    members_expected,
    coverage_pct,
    is_complete,
    source,
    vintage
from bi.bloc
where
    reporter = 'CHN'
    and period_label = (select max(latest.period_label) from bi.bloc as latest where latest.reporter = 'CHN')
order by flow asc, value_usd_million desc, group_code asc
