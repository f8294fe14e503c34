{{ config(by_source=true) }}
with source as (

    select * from {{ source('raw', 'landing_vintage') }}

),

renamed as (

    select
        source,
        vintage,

        cast(substr(vintage, 1, 10) as date) as vintage_date,
        retrieved_at,
        row_count,
        is_loaded,
        is_compared
    from source

)

select * from renamed
