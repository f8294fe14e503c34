{{ config(by_source=true) }}
-- All goods of an economy with the world.
with latest as (

    select * from {{ ref('int_observations_latest') }}
    where value is not null

)

select
    {{ fact_columns('fct_goods_trade') }}
from latest
where {{ facts()['fct_goods_trade']['condition'] }}
order by {{ fact_keys('fct_goods_trade') }}
