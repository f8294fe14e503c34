with source as (

    select * from {{ source('raw', 'landing_freshness') }}

)

select
    source,
    status,
    last_success_at
from source
