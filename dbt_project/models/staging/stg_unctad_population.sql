-- Codes of four digits are UNCTAD's aggregates and are left out, except the world (0000).
with source as (

    select * from {{ source('raw', 'unctad_population') }}
    where length(economy) <> 4 or economy = '0000' or economy is null

),

economies as (

    select * from {{ ref('economy_code') }}
    where scheme = 'm49'

),

renamed as (

    select
        'unctad_population' as source,
        source.vintage,

        {{ mapped_economy('M49 economy', 'source.economy') }} as reporter,
        'WLD' as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        cast(null as {{ dbt.type_string() }}) as service,
        'US.PopTotal' as indicator,
        cast(null as {{ dbt.type_string() }}) as flow,
        {{ annual_period('source.year') }},

        cast(source.value as decimal(38, 18)) as value,
        cast(null as {{ dbt.type_string() }}) as currency,
        'thousand' as unit,
        'reported' as value_type,
        coalesce(source.missing_value, source.footnote) as status,

        source._file,
        source._row
    from source
    left join economies on source.economy = economies.code

)

select * from renamed
