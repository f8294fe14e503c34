with source as (

    select * from {{ source('raw', 'wto_merchandise') }}

),

economies as (

    select * from {{ ref('economy_code') }}
    where scheme = 'wto'

),

items as (

    select * from {{ ref('wto_merchandise_item') }}

),

-- Product groups overlap and the European Union's further partners are parts of its row with the world: only
-- the total with the world is an observation. An unknown product passes here, and is held where it is mapped.
kept as (

    select
        source.*,
        items.product_code as known_product_code,
        items.service
    from source
    left join items on source.product_code = items.product_code
    where
        source.partner_code = '000'
        and (items.service is not null or items.product_code is null)

),

renamed as (

    select
        'wto_merchandise' as source,
        kept.vintage,

        {{ mapped_economy('WTO economy', 'kept.reporter_code') }} as reporter,
        'WLD' as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        {{ mapped(
            'kept.known_product_code', 'kept.service',
            'product', 'kept.product_code', 'wto_merchandise_item'
        ) }} as service,
        kept.indicator_code as indicator,
        case kept.indicator_code
            when 'ITS_MTV_AX' then 'exports'
            when 'ITS_MTV_AM' then 'imports'
            else {{ unknown_code('wto_merchandise', 'indicator', 'kept.indicator_code', 'Map it in the staging model') }}
        end as flow,
        {{ annual_period('kept.year') }},

        cast(kept.value as decimal(38, 18)) as value,
        'USD' as currency,
        'million' as unit,
        {{ value_type_of_flag('kept.value_flag_code', ['E']) }} as value_type,
        case
            when kept.value_flag_code is not null
                then concat_ws(': ', kept.value_flag_code, kept.value_flag)
        end as status,

        kept._file,
        kept._row
    from kept
    left join economies on kept.reporter_code = economies.code

)

select * from renamed
