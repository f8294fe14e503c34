-- Since which year do two publishers state different figures for good?
select
    source_a,
    source_b,
    flow,
    break_year,
    max(mean_gap_since_break_million) as mean_gap_since_break_million,
    currency
from marts.mart_reconciliation
where reporter = 'CHN' and service = 'S' and frequency = 'A' and is_same_value_type and break_year is not null
group by source_a, source_b, flow, break_year, currency
order by break_year, source_a, source_b, flow, currency
