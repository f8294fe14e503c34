with source as (

    select * from {{ source('raw', 'batis_sdmx') }}

),

economies as (

    select * from {{ ref('economy_code') }}
    where scheme = 'batis'

),

items as (

    select * from {{ ref('services') }}

),

renamed as (

    select
        'batis_sdmx' as source,
        source.vintage,

        {{ mapped_economy('reporter', 'source.ref_area', 'reporters') }} as reporter,
        {{ mapped_economy('partner', 'source.counterpart_area', 'partners') }} as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        {{ mapped('items.service', 'items.service', 'item', 'source.service', 'services') }} as service,
        cast(null as {{ dbt.type_string() }}) as indicator,
        case source.trade_flow
            when 'X' then 'exports'
            when 'M' then 'imports'
            else {{ unknown_code('batis_sdmx', 'flow', 'source.trade_flow', 'Find its meaning and map it in stg_batis_sdmx') }}
        end as flow,
        source.freq as frequency,
        {{ sdmx_period_start('source.time_period') }} as period_start,
        {{ sdmx_period_end('source.time_period') }} as period_end,

        {{ sdmx_value('source.obs_value') }} as value,
        case source.unit_measure
            when 'USD_EXC' then 'USD'
            else {{ unknown_code('batis_sdmx', 'unit', 'source.unit_measure', 'Only US dollars are mapped in stg_batis_sdmx') }}
        end as currency,
        'million' as unit,
        case source.adjustment
            when 'N' then 'reported'
            when 'F' then 'final'
            when 'B' then 'balanced'
            else {{ unknown_code('batis_sdmx', 'adjustment', 'source.adjustment', 'Find its meaning and map it in stg_batis_sdmx') }}
        end as value_type,
        nullif(source.obs_status, 'A') as status,

        source._file,
        source._row
    from source
    left join economies as reporters on source.ref_area = reporters.code
    left join economies as partners on source.counterpart_area = partners.code
    left join items on source.service = items.service
    -- as in stg_batis, a cell without a value is no observation: the others of the cell have one
    where {{ sdmx_value('source.obs_value') }} is not null

)

select * from renamed
