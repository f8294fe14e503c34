with source as (

    -- A cell holds a whole number, or where there is no figure a mark: `..`, `C`, `-`, `[x]`.
    select
        *,
        case when value in ('..', 'C', 'c', '-', '–') or substr(value, 1, 1) = '[' then value end as mark
    from {{ source('raw', 'ons_services') }}

),

economies as (

    select * from {{ ref('economy_code') }}
    where scheme = 'ons'

),

items as (

    select * from {{ ref('ons_services_item') }}

),

renamed as (

    select
        'ons_services' as source,
        source.vintage,

        'GBR' as reporter,
        {{ mapped_economy('country', 'source.country_code') }} as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        {{ mapped(
            'items.service_type_code', 'items.service',
            'service type', 'source.service_type_code', 'ons_services_item'
        ) }} as service,
        cast(null as {{ dbt.type_string() }}) as indicator,
        case source.direction
            when 'Exports' then 'exports'
            when 'Imports' then 'imports'
            else {{ unknown_code('ons_services', 'direction', 'source.direction', 'Find its meaning and map it in stg_ons_services') }}
        end as flow,
        case length(source.period)
            when 4 then 'A'
            when 6 then 'Q'
            else {{ unknown_code('ons_services', 'period', 'source.period', 'Find its meaning and map it in stg_ons_services') }}
        end as frequency,
        {{ year_or_quarter_start('source.period') }} as period_start,
        {{ year_or_quarter_end('source.period') }} as period_end,

        case when source.mark is null then cast(source.value as decimal(38, 18)) end as value,
        'GBP' as currency,
        'million' as unit,
        'reported' as value_type,
        source.mark as status,

        source._file,
        source._row
    from source
    left join economies on source.country_code = economies.code
    left join items on source.service_type_code = items.service_type_code
    -- A type that the seed ignores has no item there and is left out; an unknown type is held.
    where items.service_type_code is null or items.service is not null

)

select * from renamed
