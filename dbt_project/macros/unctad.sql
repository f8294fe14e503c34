{#-
    The observations of an UNCTAD bulk report of trade: services by category, or one `service`, of each economy with the
    world or with each partner. The period is `year`, or quarters in `period`, written 2024Q1, 2024Q01 or 2024-Q1.

    With `share_of_whole`, the column of each category's share of their whole in percent, the figures are of the category that
    states 100 in every row: the whole of a report whose codes are not known.

    Codes of four digits are UNCTAD's aggregates and are left out, except the world (0000).
-#}
{% macro unctad_observations(name, service=none, has_partner=false, is_quarterly=false, value_type='reported', share_of_whole=none) -%}
with {% if share_of_whole -%}
    wholes as (

        select
            vintage,
            category
        from {{ source('raw', name) }}
        where {{ share_of_whole }} is not null
        group by vintage, category
        having
            round(min(cast({{ share_of_whole }} as decimal(38, 18))), 2) = 100
            and round(max(cast({{ share_of_whole }} as decimal(38, 18))), 2) = 100

    ),

{% endif -%}
source as (

    select sent.* from {{ source('raw', name) }} as sent
    {% if share_of_whole -%}
        inner join wholes on sent.vintage = wholes.vintage and sent.category = wholes.category
    {% endif -%}
    where
        (length(sent.economy) <> 4 or sent.economy = '0000' or sent.economy is null)
        {% if has_partner -%}
            and (length(sent.partner) <> 4 or sent.partner = '0000' or sent.partner is null)
        {%- endif %}

),

economies as (

    select * from {{ ref('economy_code') }}
    where scheme = 'm49'

),

{% if service is none -%}
    categories as (

        select * from {{ ref('unctad_category') }}

    ),

{% endif -%}
renamed as (

    select
        '{{ name }}' as source,
        source.vintage,

        {{ mapped_economy('M49 economy', 'source.economy') }} as reporter,
        {{ mapped_economy('M49 partner', 'source.partner', 'partners') if has_partner else "'WLD'" }} as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        {% if service is none -%}
            {{ mapped(
                'categories.category', 'categories.service',
                'category', 'source.category', 'unctad_category'
            ) }}
        {%- else -%}
            '{{ service }}'
        {%- endif %} as service,
        cast(null as {{ dbt.type_string() }}) as indicator,
        {{ unctad_flow(name, 'source.flow') }} as flow,
        {% if is_quarterly -%}
            'Q' as frequency,
            {{ quarter_start('substr(source.period, 1, 4)', 'right(source.period, 1)') }} as period_start,
            last_day({{ quarter_last_month('substr(source.period, 1, 4)', 'right(source.period, 1)') }}) as period_end,
        {%- else -%}
            {{ annual_period('source.year') }},
        {%- endif %}

        cast(source.value as decimal(38, 18)) as value,
        'USD' as currency,
        'million' as unit,
        '{{ value_type }}' as value_type,
        coalesce(source.missing_value, source.footnote) as status,

        source._file,
        source._row
    from source
    left join economies on source.economy = economies.code
    {% if has_partner -%}
        left join economies as partners on source.partner = partners.code
    {%- endif %}
    {% if service is none -%}
        left join categories on source.category = categories.category
    {%- endif %}

)

select * from renamed
{%- endmacro %}

{#-
    The observations of an UNCTAD bulk report of one indicator by economy and year; the same aggregates are left out.

    With `foreign_economies`, codes of one country, the figures are exchange rates of the other economies with it, and the currency
    is that of the economy in that year by the seed economy_currency.
-#}
{% macro unctad_indicator(name, indicator, unit, currency=none, foreign_economies=none) -%}
with source as (

    select * from {{ source('raw', name) }}
    where
        (length(economy) <> 4 or economy = '0000' or economy is null)
        {% if foreign_economies -%}
            and foreign_economy in ('{{ foreign_economies | join("', '") }}')
            and economy <> foreign_economy
        {%- endif %}

),

economies as (

    select * from {{ ref('economy_code') }}
    where scheme = 'm49'

),

{% if foreign_economies -%}
    currencies as (

        select * from {{ ref('economy_currency') }}

    ),

{% endif -%}
renamed as (

    select
        '{{ name }}' as source,
        source.vintage,

        {{ mapped_economy('M49 economy', 'source.economy') }} as reporter,
        'WLD' as partner,
        cast(null as {{ dbt.type_string() }}) as region,
        cast(null as {{ dbt.type_string() }}) as service,
        '{{ indicator }}' as indicator,
        cast(null as {{ dbt.type_string() }}) as flow,
        {{ annual_period('source.year') }},

        cast(source.value as decimal(38, 18)) as value,
        {% if foreign_economies -%}
            -- null for a year in which the economy had another currency: the publisher does not say which the rate is of
            currencies.currency,
        {%- else -%}
            {{ "'" ~ currency ~ "'" if currency else 'cast(null as ' ~ dbt.type_string() ~ ')' }} as currency,
        {%- endif %}
        '{{ unit }}' as unit,
        'reported' as value_type,
        coalesce(source.missing_value, source.footnote) as status,

        source._file,
        source._row
    from source
    left join economies on source.economy = economies.code
    {% if foreign_economies -%}
        left join currencies
            on
                economies.economy = currencies.economy
                and cast(source.year as integer) >= coalesce(currencies.first_year, cast(source.year as integer))
                and cast(source.year as integer) <= coalesce(currencies.last_year, cast(source.year as integer))
    {%- endif %}

)

select * from renamed
{%- endmacro %}
