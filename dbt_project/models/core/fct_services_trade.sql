{{ config(by_source=true) }}
-- All services, and each item, of an economy with the world; totals and balances only where they are printed.
with latest as (

    select * from {{ ref('int_observations_latest') }}
    where value is not null or status = '{{ not_compiled() }}'

)

select
    {{ fact_columns('fct_services_trade') }}
from latest
where {{ facts()['fct_services_trade']['condition'] }}
order by {{ fact_keys('fct_services_trade') }}
