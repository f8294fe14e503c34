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

    {% for value_type, status in [('reported', 'null'), ('final', 'source.methodology'), ('balanced', 'null')] %}
        select
            source.*,
            '{{ value_type }}' as value_type,
            source.{{ value_type }}_value as value_text,
            cast({{ status }} as {{ dbt.type_string() }}) as status
        from source
        where source.{{ value_type }}_value is not null
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

renamed as (

    select
        'batis' as source,
        cells.vintage,

        {{ mapped_economy('reporter', "concat_ws('', cells.edition, ' ', cells.reporter)", 'reporters') }} as reporter,
        {{ mapped_economy('partner', "concat_ws('', cells.edition, ' ', cells.partner)", 'partners') }} as partner,
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
            else {{ unknown_code(
                'batis', 'flow', "concat_ws('', cells.edition, ' ', cells.flow)", 'Find its meaning and map it in stg_batis'
            ) }}
        end as flow,
        {{ annual_period('cells.year') }},

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
