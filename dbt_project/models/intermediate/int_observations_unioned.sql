{{ config(by_source=true) }}
with observations as (

    select * from {{ ref('int_observations_staged') }}

)

select {{ observation_columns().keys() | join(', ') }}
from observations
where
    not {{ is_held() }}
    and {{ is_ended('period_end', 'retrieved_on') }}
