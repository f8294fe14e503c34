-- Fails on a break year that is not the first year of the last run of differences above the tolerance, in two common periods
-- or more; on a lasting run without a break year; on a size of the break that is not that of its first period; and on a pair of
-- kinds that is not marked as it is.
with periods as (

    select * from {{ ref('mart_reconciliation') }}

),

numbered as (

    select
        *,
        -- how many agreements are still to come from this period on: the last run has none
        sum(case when is_apart then 0 else 1 end) over (
            partition by source_a, source_b, reporter, partner, service, flow, frequency, currency
            order by period_end desc, period_start desc
            rows between unbounded preceding and current row
        ) as agreements_from_here,
        count(case when not is_apart then 1 end) over (
            partition by source_a, source_b, reporter, partner, service, flow, frequency, currency
        ) as agreements
    from periods

),

runs as (

    select
        source_a,
        source_b,
        reporter,
        partner,
        service,
        flow,
        frequency,
        currency,
        cast(extract(year from min(period_start)) as integer) as first_year,
        min_by(abs(difference_million), period_start) as first_gap
    from numbered
    where agreements_from_here = 0 and agreements > 0
    group by source_a, source_b, reporter, partner, service, flow, frequency, currency
    having count(*) >= {{ least_periods_apart() }}

)

select
    periods.source_a,
    periods.source_b,
    periods.reporter,
    periods.service,
    periods.flow,
    periods.frequency,
    periods.currency,
    periods.period_label,
    periods.difference_million,
    periods.tolerance_million,
    periods.is_apart,
    periods.break_year,
    runs.first_year,
    periods.gap_at_break_million,
    runs.first_gap
from periods
left join runs
    on
        periods.source_a = runs.source_a
        and periods.source_b = runs.source_b
        and periods.reporter = runs.reporter
        and periods.partner = runs.partner
        and periods.service = runs.service
        and periods.flow = runs.flow
        and periods.frequency = runs.frequency
        and periods.currency = runs.currency
where
    periods.break_year is distinct from runs.first_year
    or periods.gap_at_break_million is distinct from runs.first_gap
    or periods.is_same_value_type <> (periods.value_type_a = periods.value_type_b)
