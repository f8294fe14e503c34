{{ config(by_source=true) }}
-- Indicators of whole economies, of their regions, and of one partner; printed shares and growth rates are indicators.
with latest as (

    select * from {{ ref('int_observations_latest') }}
    where value is not null

)

select
    {{ fact_columns('fct_indicator') }}
from latest
where {{ facts()['fct_indicator']['condition'] }}
order by {{ fact_keys('fct_indicator') }}
