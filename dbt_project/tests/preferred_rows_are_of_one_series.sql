-- Fails on a reporter and period in which the trade marts prefer two series, and on a preferred flow and currency of two
-- sources: items of another series would not add up to the total.
with preferred as (

    select
        reporter,
        frequency,
        period_start,
        period_end,
        source,
        currency,
        value_type
    from {{ ref('mart_trade_scale') }}
    where is_preferred
    union
    select
        reporter,
        frequency,
        period_start,
        period_end,
        source,
        currency,
        value_type
    from {{ ref('mart_trade_structure') }}
    where is_preferred
    union
    select
        reporter,
        frequency,
        period_start,
        period_end,
        source,
        currency,
        value_type
    from {{ ref('mart_trade_short_term') }}
    where is_preferred

)

select
    reporter,
    frequency,
    period_start,
    period_end,
    string_agg(concat_ws(' ', source, currency, value_type), ', ') as source
from preferred
group by reporter, frequency, period_start, period_end
having count(*) <> 1
