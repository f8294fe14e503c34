with trade as (

    select * from {{ ref('fct_services_trade') }}
    where flow <> 'balance' and value_million is not null

),

ranked as (

    select
        *,
        case value_type
            when 'reported' then 1
            when 'final' then 2
            when 'balanced' then 3
            when 'estimated' then 4
            when 'model' then 5
            else {{ unknown_code('mart_reconciliation', 'value type', 'value_type', 'Give it a rank in the mart') }}
        end as distance_from_report
    from trade

),

in_series as (

    select
        *,
        min(distance_from_report) over (
            partition by source, reporter, partner, service, flow, frequency, currency
        ) as nearest_in_series
    from ranked

),

-- one value type for the whole series of a source: a change of type must not look like a break
figures as (

    select * from in_series
    where distance_from_report = nearest_in_series

),

pairs as (

    select
        a.source as source_a,
        a.vintage as vintage_a,
        b.source as source_b,
        b.vintage as vintage_b,
        a.reporter,
        a.partner,
        a.service,
        a.flow,
        a.frequency,
        a.period_start,
        a.period_end,
        a.period_label,
        a.currency,
        a.value_million as value_a,
        b.value_million as value_b,
        a.value_million - b.value_million as difference,
        a.value_million + b.value_million as sum_of_both,
        abs(a.value_million - b.value_million) > 0.1 as is_apart
    from figures as a
    inner join figures as b
        on
            a.reporter = b.reporter
            and a.partner = b.partner
            and a.service = b.service
            and a.flow = b.flow
            and {{ is_same_period_and_currency('a', 'b') }}
            and a.source < b.source

),

turns as (

    select
        *,
        max(case when not is_apart then period_end end) over series as last_together,
        min(case when is_apart then period_end end) over series as first_apart,
        min(case when is_apart then period_start end) over series as first_apart_from
    from pairs
    window series as (
        partition by source_a, source_b, reporter, partner, service, flow, frequency, currency
    )

)

select
    source_a,
    vintage_a,
    source_b,
    vintage_b,
    reporter,
    partner,
    service,
    flow,
    frequency,
    period_label,
    currency,
    {{ to_double('value_a') }} as value_a_million,
    {{ to_double('value_b') }} as value_b_million,
    {{ to_double('difference') }} as difference_million,
    case
        when sum_of_both > 0 then {{ to_double('difference') }} / {{ to_double('sum_of_both') }} * 200
    end as difference_pct,
    case
        when last_together < first_apart then cast(extract(year from first_apart_from) as integer)
    end as break_year
from turns
