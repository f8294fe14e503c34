with source as (

    select * from {{ source('raw', 'wto_digital') }}

),

economies as (

    select * from {{ ref('economy_code') }}
    where scheme = 'wto_iso2'

),

items as (

    select * from {{ ref('wto_digital_item') }}

),

-- The parts of the total by service are left out. An unknown indicator passes here, and is held where it is mapped.
kept as (

    select
        source.*,
        items.indicator as known_indicator,
        items.service
    from source
    left join items on source.indicator = items.indicator
    where items.service is not null or items.indicator is null

),

renamed as (

    select
        'wto_digital' as source,
        kept.vintage,

        {{ mapped_economy('economy', 'kept.reporter_code', 'reporters') }} as reporter,
        {{ mapped_economy('partner', 'kept.partner', 'partners') }} as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        {{ mapped(
            'kept.known_indicator', 'kept.service',
            'indicator', 'kept.indicator', 'wto_digital_item'
        ) }} as service,
        -- The publisher's code names an item, and no series.
        cast(null as {{ dbt.type_string() }}) as indicator,
        case kept.flow
            when 'X' then 'exports'
            when 'M' then 'imports'
            else {{ unknown_code('wto_digital', 'flow', 'kept.flow', 'Map it in the staging model') }}
        end as flow,
        {{ annual_period('kept.year') }},

        cast(kept.value as decimal(38, 18)) as value,
        case kept.unit
            when 'USM' then 'USD'
            when 'Million US dollar' then 'USD'
            else {{ unknown_code('wto_digital', 'unit', 'kept.unit', 'Map it in the staging model') }}
        end as currency,
        'million' as unit,
        'estimated' as value_type,
        case when kept.breaking_series is not null then concat_ws('', 'breaking series: ', kept.breaking_series) end as status,

        kept._file,
        kept._row
    from kept
    left join economies as reporters on kept.reporter_code = reporters.code
    left join economies as partners on {{ wto_partner('kept.partner') }} = partners.code

)

select * from renamed
