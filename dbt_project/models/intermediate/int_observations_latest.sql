-- The vintages are named to the database, so that it opens their rows and no others: the cost of what is current then
-- doesn't grow with the vintages before it. The join alone would read every vintage, and keep the last.
with observations as (

    select * from {{ ref('int_observations_unioned') }}
    where vintage in ({{ latest_vintages(ref('int_vintages')) }})

),

latest as (

    select
        source,
        vintage
    from {{ ref('int_vintages') }}
    where next_vintage is null

)

select observations.*
from observations
inner join latest
    on
        observations.source = latest.source
        and observations.vintage = latest.vintage
