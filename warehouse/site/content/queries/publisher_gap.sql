select
    source_a,
    source_b,
    period_label,
    period_start,
    flow,
    value_a_million as value_a_usd_million,
    value_b_million as value_b_usd_million,
    difference_million as difference_usd_million,
    difference_pct,
    is_apart,
    break_year,
    vintage_a,
    vintage_b
from marts.mart_reconciliation
where
    reporter = 'CHN' and partner = 'WLD' and service = 'S' and frequency = 'A' and currency = 'USD'
    and flow = 'exports' and period_label >= '2005' and is_same_value_type
order by source_a, source_b, period_label
