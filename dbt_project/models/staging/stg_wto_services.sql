with source as (

    select * from {{ source('raw', 'wto_services') }}

),

economies as (

    select * from {{ ref('economy_code') }}
    where scheme = 'wto'

),

items as (

    select * from {{ ref('wto_services_item') }}

),

renamed as (

    select
        'wto_services' as source,
        source.vintage,

        {{ mapped_economy('WTO economy', 'source.reporter_code', 'reporters') }} as reporter,
        {{ mapped_economy('WTO economy', 'source.partner_code', 'partners') }} as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        {{ mapped(
            'items.product_code', 'items.service',
            'product', 'source.product_code', 'wto_services_item'
        ) }} as service,
        -- The publisher's code names the table of a flow, and no series.
        cast(null as {{ dbt.type_string() }}) as indicator,
        case source.indicator_code
            when 'ITS_CS_AX6' then 'exports'
            when 'ITS_CS_AM6' then 'imports'
            else {{ unknown_code('wto_services', 'indicator', 'source.indicator_code', 'Map it in the staging model') }}
        end as flow,
        {{ annual_period('source.year') }},

        cast(source.value as decimal(38, 18)) as value,
        'USD' as currency,
        'million' as unit,
        {{ value_type_of_flag('source.value_flag_code', ['E']) }} as value_type,
        case
            when source.value_flag_code is not null
                then concat_ws(': ', source.value_flag_code, source.value_flag)
        end as status,

        source._file,
        source._row
    from source
    left join economies as reporters on source.reporter_code = reporters.code
    left join economies as partners on source.partner_code = partners.code
    left join items
        on
            source.product_code = items.product_code
            and (not items.is_label_required or lower(source.product) = lower(items.label))

)

select * from renamed
