with source as (

    select * from {{ source('raw', 'landing_check') }}

),

renamed as (

    select
        source,
        sequence,

        checked_at,
        outcome
    from source

)

select * from renamed
