{{ config(by_source=true) }}
with source as (

    select * from {{ source('raw', 'known_revision') }}

),

renamed as (

    select
        {{ cell_columns() }},
        previous_vintage,
        vintage,

        previous_value,
        value,
        kind,

        _previous_file,
        _previous_row,
        _file,
        _row
    from source

)

select * from renamed
