with source as (

    select * from {{ source('raw', 'wto_tismos') }}

),

-- Codes of two letters and the publisher's groups; codes of three letters are the warehouse's own.
economies as (

    select
        code,
        economy
    from {{ ref('economy_code') }}
    where scheme = 'wto_iso2'
    union all
    select
        economies.economy as code,
        economies.economy
    from {{ ref('economies') }} as economies
    left join {{ ref('economy_code') }} as codes
        on
            economies.economy = codes.code
            and codes.scheme = 'wto_iso2'
    where codes.code is null

),

items as (

    select * from {{ ref('wto_tismos_item') }}

),

renamed as (

    select
        'wto_tismos' as source,
        source.vintage,

        {{ mapped_economy('economy', 'source.reporter', 'reporters') }} as reporter,
        {{ mapped_economy('partner', 'source.partner', 'partners') }} as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        {{ mapped('items.indicator', 'items.service', 'indicator', 'source.indicator', 'wto_tismos_item') }} as service,
        -- `Mode 1`, `M1` or `1`: the last character is the number of the mode.
        case
            when substr(source.mode, length(source.mode), 1) in ('1', '2', '3', '4')
                then concat_ws('', 'mode_', substr(source.mode, length(source.mode), 1))
            else {{ unknown_code('wto_tismos', 'mode', 'source.mode', 'Map it in the staging model') }}
        end as indicator,
        case substr(lower(source.flow), 1, 1)
            when 'x' then 'exports'
            when 'e' then 'exports'
            when 'm' then 'imports'
            when 'i' then 'imports'
            else {{ unknown_code('wto_tismos', 'flow', 'source.flow', 'Map it in the staging model') }}
        end as flow,
        {{ annual_period('source.year') }},

        cast(source.value as decimal(38, 18)) as value,
        -- The reader rejects another unit; the older edition names none.
        'USD' as currency,
        'million' as unit,
        'estimated' as value_type,
        source.meth as status,

        source._file,
        source._row
    from source
    left join economies as reporters on source.reporter = reporters.code
    left join economies as partners on {{ wto_partner('source.partner') }} = partners.code
    left join items on source.indicator = items.indicator

)

select * from renamed
