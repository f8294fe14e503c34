-- The dataset has many indicators. One that is not read is further content: the reader notes it as drift.
with source as (

    select * from {{ source('raw', 'data360_digital') }}
    where indicator in ('UNCTAD_DE_DIG_SERVTRADE_ANN_EXP', 'UNCTAD_DE_DIG_SERVTRADE_ANN_IMP')

),

economies as (

    select * from {{ ref('economy_code') }}
    where scheme = 'data360'

),

renamed as (

    select
        'data360_digital' as source,
        source.vintage,

        {{ mapped_economy('area', 'source.ref_area') }} as reporter,
        'WLD' as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        'DDS' as service,
        source.indicator,
        case source.indicator
            when 'UNCTAD_DE_DIG_SERVTRADE_ANN_EXP' then 'exports'
            when 'UNCTAD_DE_DIG_SERVTRADE_ANN_IMP' then 'imports'
        end as flow,
        {{ annual_period('source.time_period') }},

        case source.unit_mult
            when '6' then cast(source.obs_value as decimal(38, 18))
            else {{ unknown_code('data360_digital', 'unit multiplier', 'source.unit_mult', 'Map it in the staging model') }}
        end as value,
        case source.unit_measure
            when 'USD' then 'USD'
            else {{ unknown_code('data360_digital', 'unit', 'source.unit_measure', 'Map it in the staging model') }}
        end as currency,
        'million' as unit,
        -- SDMX: A is a normal value; E estimated, F forecast and I imputed; the others are flags of reported values.
        {{ value_type_of_flag('source.obs_status', ['E', 'F', 'I']) }} as value_type,
        case
            when source.obs_status <> 'A' then concat_ws(': ', source.obs_status, source.obs_status_label)
        end as status,

        source._file,
        source._row
    from source
    left join economies on source.ref_area = economies.code

)

select * from renamed
