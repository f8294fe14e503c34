with source as (

    select * from {{ source('raw', 'worldbank_wdi') }}

),

economies as (

    select * from {{ ref('economy_code') }}
    where scheme = 'worldbank'

),

indicators as (

    select * from {{ ref('worldbank_indicator') }}

),

renamed as (

    select
        'worldbank_wdi' as source,
        source.vintage,

        {{ mapped_economy('country id', 'source.country_id') }} as reporter,
        'WLD' as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        indicators.service,
        {{ mapped(
            'indicators.indicator', 'indicators.indicator',
            'indicator', 'source.indicator_id', 'worldbank_indicator'
        ) }} as indicator,
        indicators.flow,
        {{ annual_period('source.date') }},

        cast(
            cast(source.value as decimal(38, 18)) * cast(indicators.millions as decimal(7, 6)) as decimal(38, 18)
        ) as value,
        indicators.currency,
        indicators.unit,
        {{ value_type_of_flag('source.obs_status', ['E', 'F']) }} as value_type,
        nullif(source.obs_status, '') as status,

        source._file,
        source._row
    from source
    left join economies on source.country_id = economies.code
    left join indicators on source.indicator_id = indicators.indicator

)

select * from renamed
