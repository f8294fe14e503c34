with source as (

    select
        *,
        coalesce(obs_status, status) as flag,
        cast(substr(time_period, 1, 4) as integer) as rate_year
    from {{ source('raw', 'imf_exchange_rates') }}

),

economies as (

    select * from {{ ref('economy_code') }}
    where scheme = 'imf'

),

currencies as (

    select * from {{ ref('economy_currency') }}

),

renamed as (

    select
        'imf_exchange_rates' as source,
        source.vintage,

        {{ mapped_economy('reporter', 'source.country') }} as reporter,
        'WLD' as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        cast(null as {{ dbt.type_string() }}) as service,
        concat_ws('.', source.indicator, source.type_of_transformation) as indicator,
        cast(null as {{ dbt.type_string() }}) as flow,
        source.frequency,
        {{ sdmx_period_start('source.time_period') }} as period_start,
        {{ sdmx_period_end('source.time_period') }} as period_end,

        {{ sdmx_value('source.obs_value') }} as value,
        -- null for a year in which the economy had another currency: the publisher does not say which the rate is of
        currencies.currency,
        'per US dollar' as unit,
        {{ value_type_of_flag('source.flag', ['E']) }} as value_type,
        nullif(source.flag, 'A') as status,

        source._file,
        source._row
    from source
    left join economies on source.country = economies.code
    left join currencies
        on
            economies.economy = currencies.economy
            and source.rate_year >= coalesce(currencies.first_year, source.rate_year)
            and source.rate_year <= coalesce(currencies.last_year, source.rate_year)

)

select * from renamed
