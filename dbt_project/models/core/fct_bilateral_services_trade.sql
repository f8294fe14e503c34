{{ config(by_source=true) }}
-- Services of an economy with one partner or group of partners. Not sorted: it is the largest table, and publication sorts it.
with latest as (

    select * from {{ ref('int_observations_latest') }}
    where value is not null

)

select
    {{ fact_columns('fct_bilateral_services_trade') }}
from latest
where {{ facts()['fct_bilateral_services_trade']['condition'] }}
