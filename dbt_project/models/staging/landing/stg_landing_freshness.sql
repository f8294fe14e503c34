with source as (

    select * from {{ source('raw', 'landing_freshness') }}

)

select
    source,
    status,
    last_success_at,
    set_aside_vintage,
    set_aside_reason,
    drift_count,
    failed_part_count
from source
