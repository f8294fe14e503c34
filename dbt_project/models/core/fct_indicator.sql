-- Whole economies only: indicators of a province or of one partner are not in this table.
with latest as (

    select * from {{ ref('int_observations_latest') }}
    where value is not null

)

select
    {{ fact_columns('fct_indicator') }}
from latest
where {{ facts()['fct_indicator']['condition'] }}
order by {{ fact_keys('fct_indicator') }}
