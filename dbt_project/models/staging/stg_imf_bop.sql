with source as (

    select
        *,
        coalesce(obs_status, status) as flag
    from {{ source('raw', 'imf_bop') }}

),

economies as (

    select * from {{ ref('economy_code') }}
    where scheme = 'imf'

),

items as (

    select * from {{ ref('services') }}

),

renamed as (

    select
        'imf_bop' as source,
        source.vintage,

        {{ mapped_economy('reporter', 'source.country') }} as reporter,
        'WLD' as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        {{ mapped('items.service', 'items.service', 'item', 'source.indicator', 'services') }} as service,
        cast(null as {{ dbt.type_string() }}) as indicator,
        case source.bop_accounting_entry
            when 'CD_T' then 'exports'
            when 'DB_T' then 'imports'
            else {{ unknown_code('imf_bop', 'entry', 'source.bop_accounting_entry', 'Find its meaning and map it in stg_imf_bop') }}
        end as flow,
        source.frequency,
        {{ sdmx_period_start('source.time_period') }} as period_start,
        {{ sdmx_period_end('source.time_period') }} as period_end,

        -- The values are in units of the currency, whatever SCALE says.
        cast({{ sdmx_value('source.obs_value') }} * cast(0.000001 as decimal(7, 6)) as decimal(38, 18)) as value,
        source.unit as currency,
        'million' as unit,
        case
            when source.flag = 'E' then 'estimated'
            when source.flag is null or source.flag <> 'E' then 'reported'
        end as value_type,
        nullif(source.flag, 'A') as status,

        source._file,
        source._row
    from source
    left join economies on source.country = economies.code
    left join items on source.indicator = items.service

)

select * from renamed
