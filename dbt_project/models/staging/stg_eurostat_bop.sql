with source as (

    select * from {{ source('raw', 'eurostat_bop') }}

),

economies as (

    select * from {{ ref('economy_code') }}
    where scheme = 'eurostat'

),

items as (

    select * from {{ ref('services') }}

),

renamed as (

    select
        'eurostat_bop' as source,
        source.vintage,

        {{ mapped_economy('reporter', 'source.geo', 'reporters') }} as reporter,
        {{ mapped_economy('partner', 'source.partner', 'partners') }} as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        {{ mapped('items.service', 'items.service', 'item', 'source.bop_item', 'services') }} as service,
        cast(null as {{ dbt.type_string() }}) as indicator,
        case source.stk_flow
            when 'CRE' then 'exports'
            when 'DEB' then 'imports'
            else {{ unknown_code('eurostat_bop', 'flow', 'source.stk_flow', 'Find its meaning and map it in stg_eurostat_bop') }}
        end as flow,
        source.freq as frequency,
        {{ sdmx_period_start('source.time_period') }} as period_start,
        {{ sdmx_period_end('source.time_period') }} as period_end,

        {{ sdmx_value('source.obs_value') }} as value,
        case source.currency
            when 'MIO_EUR' then 'EUR'
            else {{ unknown_code('eurostat_bop', 'currency', 'source.currency', 'Only million euro is mapped in stg_eurostat_bop') }}
        end as currency,
        'million' as unit,
        -- Flags have one or several letters: e and s are estimates, of the member and of Eurostat, f a forecast.
        case
            when source.obs_flag like '%e%' or source.obs_flag like '%s%' or source.obs_flag like '%f%' then 'estimated'
            when translate(coalesce(source.obs_flag, ''), 'esf', '') = coalesce(source.obs_flag, '') then 'reported'
        end as value_type,
        nullif(concat_ws(' ', source.obs_flag, source.conf_status), '') as status,

        source._file,
        source._row
    from source
    left join economies as reporters on source.geo = reporters.code
    left join economies as partners on source.partner = partners.code
    left join items on source.bop_item = items.service

)

select * from renamed
