-- Fails on a share or growth rate of a group below the stated coverage, on a coverage that the counts of members contradict,
-- and on a group's row as of a period before the group was founded.
select
    source,
    reporter,
    group_code,
    composition,
    frequency,
    period_label,
    service,
    flow,
    members_counted,
    members_expected,
    coverage_pct,
    is_complete,
    share_pct,
    growth_pct
from {{ ref('mart_trade_partner_group') }}
where
    (coverage_pct < {{ least_coverage_pct() }} and (share_pct is not null or growth_pct is not null))
    or abs(coverage_pct - 100.0 * members_counted / members_expected) > 0.000001
    or is_complete <> (members_counted = members_expected)
    or (composition = 'as of the period' and is_before_founding)
