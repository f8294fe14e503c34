{#- The code of a partner: the texts for the world are its code `WL`; the suites of the WTO's tables list them too. -#}
{% macro wto_partner(partner) -%}
    case when lower({{ partner }}) in ('world', 'w', 'wl', 'wld', '000') then 'WL' else {{ partner }} end
{%- endmacro %}

{#-
    The observations of a WTO table of services by economy, partner, sector and year, in millions of US dollars. Its flows are
    the codes `exports` and `imports` of indicators; `value_type` and `status` are expressions.
-#}
{% macro wto_services(name, exports, imports, value_type, status) -%}
with source as (

    select * from {{ source('raw', name) }}

),

economies as (

    select * from {{ ref('economy_code') }}
    where scheme = 'wto'

),

items as (

    select * from {{ ref('wto_services_item') }}

),

renamed as (

    select
        '{{ name }}' as source,
        source.vintage,

        {{ mapped_economy('WTO economy', 'source.reporter_code', 'reporters') }} as reporter,
        {{ mapped_economy('WTO economy', 'source.partner_code', 'partners') }} as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        {{ mapped(
            'items.product_code', 'items.service',
            'product', 'source.product_code', 'wto_services_item'
        ) }} as service,
        -- The publisher's code names the table of a flow, and no series.
        cast(null as {{ dbt.type_string() }}) as indicator,
        case source.indicator_code
            when '{{ exports }}' then 'exports'
            when '{{ imports }}' then 'imports'
            else {{ unknown_code(name, 'indicator', 'source.indicator_code', 'Map it in the staging model') }}
        end as flow,
        {{ annual_period('source.year') }},

        cast(source.value as decimal(38, 18)) as value,
        'USD' as currency,
        'million' as unit,
        {{ value_type }} as value_type,
        {{ status }} as status,

        source._file,
        source._row
    from source
    left join economies as reporters on source.reporter_code = reporters.code
    left join economies as partners on source.partner_code = partners.code
    left join items
        on
            source.product_code = items.product_code
            and (not items.is_label_required or lower(source.product) = lower(items.label))

)

select * from renamed
{%- endmacro %}
