with source as (

    select * from {{ source('raw', 'atlas_services') }}

),

economies as (

    select * from {{ ref('economy_code') }}
    where scheme = 'atlas'

),

items as (

    select * from {{ ref('atlas_services_item') }}

),

-- The two values of a row become two observations.
flows as (

    select
        source.*,
        'exports' as flow,
        cast(source.export_value as decimal(30, 12)) as value_usd
    from source

    union all

    select
        source.*,
        'imports' as flow,
        cast(source.import_value as decimal(30, 12)) as value_usd
    from source

),

renamed as (

    select
        'atlas_services' as source,
        flows.vintage,

        {{ mapped_economy('country', 'flows.country_id') }} as reporter,
        'WLD' as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        {{ mapped(
            'items.product_id', 'items.service',
            'product', 'flows.product_id', 'atlas_services_item'
        ) }} as service,
        cast(null as {{ dbt.type_string() }}) as indicator,
        flows.flow,
        {{ annual_period('flows.year') }},

        case
            when flows.value_usd <> 0
                then cast(flows.value_usd * cast('0.000001' as decimal(7, 6)) as decimal(38, 18))
        end as value,
        'USD' as currency,
        'million' as unit,
        'estimated' as value_type,
        case when flows.value_usd = 0 then 'zero stands for missing' end as status,

        flows._file,
        flows._row
    from flows
    left join economies on flows.country_id = economies.code
    left join items on flows.product_id = items.product_id

)

select * from renamed
