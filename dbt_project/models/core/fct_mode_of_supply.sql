{{ config(by_source=true) }}
-- Services by mode of supply; mode 3 is no part of the balance of payments, so no mode is in another fact.
with latest as (

    select * from {{ ref('int_observations_latest') }}
    where value is not null

)

select
    {{ fact_columns('fct_mode_of_supply') }}
from latest
where {{ facts()['fct_mode_of_supply']['condition'] }}
order by {{ fact_keys('fct_mode_of_supply') }}
