{{ config(by_source=true) }}
-- Services of a region of an economy with the world.
with latest as (

    select * from {{ ref('int_observations_latest') }}
    where value is not null

)

select
    {{ fact_columns('fct_regional_services_trade') }}
from latest
where {{ facts()['fct_regional_services_trade']['condition'] }}
order by {{ fact_keys('fct_regional_services_trade') }}
