{{ config(materialized='table') }}
-- A table, so that what reads it is made again only when a rate has changed.
-- One source of rates, so that each currency has one rate for a period. The dollar needs none.
with indicators as (

    select * from {{ ref('fct_indicator') }}

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
from indicators
where
    source = 'imf_exchange_rates'
    and indicator = 'XDC_USD.PA_RT'
    and currency is not null
    and value > 0
