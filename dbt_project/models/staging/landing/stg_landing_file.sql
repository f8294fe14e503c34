{{ config(by_source=true) }}
with source as (

    select * from {{ source('raw', 'landing_file') }}

),

renamed as (

    select
        source,
        vintage,
        file,

        cast(retrieved_at as date) as retrieved_on
    from source

)

select * from renamed
