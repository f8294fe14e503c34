with source as (

    -- A value is a number, with thousands commas, or where there is none a mark: `(D)`, `(*)`, `n.a.`, `....`.
    select
        *,
        case when substr(data_value, 1, 1) in ('(', 'n', '.') then data_value end as mark
    from {{ source('raw', 'bea_services') }}

),

economies as (

    select * from {{ ref('economy_code') }}
    where scheme = 'bea'

),

items as (

    select * from {{ ref('bea_item') }}

),

renamed as (

    select
        'bea_services' as source,
        source.vintage,

        'USA' as reporter,
        {{ mapped_economy('country', 'source.area_or_country') }} as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        {{ mapped(
            'items.type_of_service', 'items.service',
            'type of service', 'source.type_of_service', 'bea_item'
        ) }} as service,
        cast(null as {{ dbt.type_string() }}) as indicator,
        case source.trade_direction
            when 'Exports' then 'exports'
            when 'Imports' then 'imports'
            else {{ unknown_code('bea_services', 'direction', 'source.trade_direction', 'Map it in stg_bea_services') }}
        end as flow,
        {{ annual_period('source.time_period') }},

        case when source.mark is null then cast(replace(source.data_value, ',', '') as decimal(38, 18)) end as value,
        source.cl_unit as currency,
        'million' as unit,
        'reported' as value_type,
        source.mark as status,

        source._file,
        source._row
    from source
    left join economies on source.area_or_country = economies.code
    left join items on source.type_of_service = items.type_of_service
    -- A type that the seed ignores has no item there and is left out; an unknown type is held.
    where items.type_of_service is null or items.service is not null

)

select * from renamed
