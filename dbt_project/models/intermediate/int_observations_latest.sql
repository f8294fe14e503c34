{{ config(by_source=true) }}
with observations as (

    select * from {{ ref('int_observations_unioned') }}

),

latest as (

    select
        source,
        vintage
    from {{ ref('dim_vintage') }}
    where next_vintage is null

)

select observations.*
from observations
inner join latest
    on
        observations.source = latest.source
        and observations.vintage = latest.vintage
