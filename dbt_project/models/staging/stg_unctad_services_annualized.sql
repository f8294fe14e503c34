-- Codes of four digits are UNCTAD's aggregates and are left out, except the world (0000).
with source as (

    select * from {{ source('raw', 'unctad_services_annualized') }}
    where length(economy) <> 4 or economy = '0000' or economy is null

),

economies as (

    select * from {{ ref('economy_code') }}
    where scheme = 'm49'

),

categories as (

    select * from {{ ref('unctad_category') }}

),

renamed as (

    select
        'unctad_services_annualized' as source,
        source.vintage,

        {{ mapped_economy('M49 economy', 'source.economy') }} as reporter,
        'WLD' as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        {{ mapped(
            'categories.category', 'categories.service',
            'category', 'source.category', 'unctad_category'
        ) }} as service,
        cast(null as {{ dbt.type_string() }}) as indicator,
        {{ unctad_flow('unctad_services_annualized', 'source.flow') }} as flow,
        {{ annual_period('source.year') }},

        cast(source.value as decimal(38, 18)) as value,
        'USD' as currency,
        'million' as unit,
        'estimated' as value_type,
        coalesce(source.missing_value, source.footnote) as status,

        source._file,
        source._row
    from source
    left join economies on source.economy = economies.code
    left join categories on source.category = categories.category

)

select * from renamed
