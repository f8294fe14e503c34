select
    region_name_en,
    region_name_zh,
    region_type,
    period_label,
    flow,
    currency,
    value_million,
    share_pct,
    published_share_pct,
    growth_pct,
    published_growth_pct,
    members_counted,
    members_expected,
    basis,
    status,
    source,
    vintage
from marts.mart_trade_regional
where basis <> 'incomplete'
order by period_label desc, region_type asc, value_million desc nulls last, region_name_en asc, flow asc, currency asc
