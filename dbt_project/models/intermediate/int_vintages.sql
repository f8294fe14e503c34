{{ config(by_source=true) }}
with vintages as (

    select * from {{ ref('stg_landing_vintage') }}

)

select
    source,
    vintage,

    is_loaded,
    is_compared,
    lag(vintage) over (partition by source order by vintage) as previous_vintage,
    lead(vintage) over (partition by source order by vintage) as next_vintage
from vintages
