with source as (

    select * from {{ source('raw', 'batis') }}

),

economies as (

    select
        code,
        economy,
        case scheme when 'batis' then 'oecd' when 'batis_wto' then 'wto' end as edition
    from {{ ref('economy_code') }}
    where scheme in ('batis', 'batis_wto')

),

services as (

    select * from {{ ref('services') }}

),

-- A row has three values, and most reported ones are empty: only values that are present become observations.
cells as (

    select
        source.*,
        'reported' as value_type,
        source.reported_value as value_text,
        cast(null as {{ dbt.type_string() }}) as status
    from source
    where source.reported_value is not null
    union all
    select
        source.*,
        'final' as value_type,
        source.final_value as value_text,
        source.methodology as status
    from source
    where source.final_value is not null
    union all
    select
        source.*,
        'balanced' as value_type,
        source.balanced_value as value_text,
        cast(null as {{ dbt.type_string() }}) as status
    from source
    where source.balanced_value is not null

),

renamed as (

    select
        'batis' as source,
        cells.vintage,

        {{ mapped(
            'reporters.code', 'reporters.economy',
            'reporter', "concat(cells.edition, ' ', cells.reporter)", 'economy_code'
        ) }} as reporter,
        {{ mapped(
            'partners.code', 'partners.economy',
            'partner', "concat(cells.edition, ' ', cells.partner)", 'economy_code'
        ) }} as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        {{ mapped(
            'services.service', 'services.service',
            'item', 'cells.item_code', 'services'
        ) }} as service,
        cast(null as {{ dbt.type_string() }}) as indicator,
        case
            when cells.edition = 'oecd' and cells.flow = 'EXP' then 'exports'
            when cells.edition = 'oecd' and cells.flow = 'IMP' then 'imports'
            when cells.edition = 'wto' and cells.flow = 'X' then 'exports'
            when cells.edition = 'wto' and cells.flow = 'M' then 'imports'
            else {{ unknown_code('batis', 'flow', "concat(cells.edition, ' ', cells.flow)", 'Find its meaning and map it in stg_batis') }}
        end as flow,
        'A' as frequency,
        {{ year_start('cells.year') }} as period_start,
        {{ year_end('cells.year') }} as period_end,

        cast(cells.value_text as decimal(38, 18)) as value,
        'USD' as currency,
        'million' as unit,
        cells.value_type,
        cells.status,

        cells._file,
        cells._row
    from cells
    left join economies as reporters
        on
            cells.edition = reporters.edition
            and cells.reporter = reporters.code
    left join economies as partners
        on
            cells.edition = partners.edition
            and cells.partner = partners.code
    left join services on cells.item_code = services.service

)

select * from renamed
