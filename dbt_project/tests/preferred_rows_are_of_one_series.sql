-- Fails on a reporter and period in which the trade marts prefer two series, and on a preferred flow and currency of two
-- sources: items of another series would not add up to the total.
with preferred as (

    {% for mart in ('mart_trade_scale', 'mart_trade_structure', 'mart_trade_short_term') %}
        select
            reporter,
            frequency,
            period_start,
            period_end,
            source,
            currency,
            value_type
        from {{ ref(mart) }}
        where is_preferred
        {{ 'union' if not loop.last }}
    {% endfor %}

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
