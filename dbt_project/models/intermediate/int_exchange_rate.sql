{{ config(materialized='table') }}
-- A table, so that what reads it is made again only when a rate has changed. The dollar needs no rate.
-- The sources of rates in the order in which they are used. Two rates of one source for a currency and period are kept, and
-- fail the test of the key: neither is better than the other.
with chosen (source, indicator, precedence) as (

    values
    ('imf_exchange_rates', 'XDC_USD.PA_RT', 1),
    ('unctad_exchange_rates', 'US.ExchangeRateCrosstab', 2)

),

indicators as (

    select * from {{ ref('fct_indicator') }}

),

ranked as (

    select
        indicators.*,
        rank() over (
            partition by indicators.currency, indicators.frequency, indicators.period_start, indicators.period_end
            order by chosen.precedence
        ) as preference
    from indicators
    inner join chosen on indicators.source = chosen.source and indicators.indicator = chosen.indicator
    where indicators.currency is not null and indicators.value > 0

)

select
    currency,
    frequency,
    period_start,
    period_end,
    period_label,
    value as rate,
    source as rate_source,
    vintage as rate_vintage
from ranked
where preference = 1
