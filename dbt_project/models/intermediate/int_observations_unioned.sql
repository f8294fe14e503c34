with observations as (

    select * from {{ ref('int_observations_staged') }}

)

select *
from observations
where not {{ is_held() }}
