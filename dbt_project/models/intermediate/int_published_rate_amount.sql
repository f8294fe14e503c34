{{ config(by_source=true) }}
-- The amounts of the sources that print rates, all four flows of a cell: with the world, with a partner, and of a region.
with rated_sources as (

    select distinct source from {{ ref('int_published_rate') }}

),

amounts as (

    {% for fact, partner, region in [
        ('fct_services_trade', 'partner', 'null'),
        ('fct_bilateral_services_trade', 'partner', 'null'),
        ('fct_regional_services_trade', "'WLD'", 'region'),
    ] %}
        select
            {{ reporter_cell_columns() }},
            {{ partner }} as partner,
            cast({{ region }} as {{ dbt.type_string() }}) as region,
            service,
            flow,
            value_million,
            status
        from {{ ref(fact) }}
        where value_million is not null
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

-- a printed figure may be off by half a unit of its last digit
rounded as (

    select
        amounts.*,
        coalesce({{ to_double(last_digit_million('amounts.value_million')) }} / 2, 0) as rounding_million
    from amounts
    inner join rated_sources on amounts.source = rated_sources.source

),

cells as (

    select
        {{ reporter_cell_columns() }},
        partner,
        region,
        service,
        max(case when flow = 'exports' then value_million end) as printed_exports_million,
        max(case when flow = 'imports' then value_million end) as printed_imports_million,
        max(case when flow = 'total' then value_million end) as printed_total_million,
        max(case when flow = 'balance' then value_million end) as printed_balance_million,
        max(case when flow = 'exports' then rounding_million end) as exports_rounding_million,
        max(case when flow = 'imports' then rounding_million end) as imports_rounding_million,
        max(case when flow = 'total' then rounding_million end) as total_rounding_million,
        max(case when flow = 'balance' then rounding_million end) as balance_rounding_million,
        max(case when flow = 'exports' then status end) as exports_status,
        max(case when flow = 'imports' then status end) as imports_status,
        max(case when flow = 'total' then status end) as total_status,
        max(case when flow = 'balance' then status end) as balance_status
    from rounded
    group by {{ reporter_cell_columns() }}, partner, region, service

),

-- a printed total or balance goes before the sum or difference of the flows, which has the rounding of both
figures as (

    {% for flow, computed in [
        ('exports', none),
        ('imports', none),
        ('total', 'printed_exports_million + printed_imports_million'),
        ('balance', 'printed_exports_million - printed_imports_million'),
    ] %}
        select
            {{ reporter_cell_columns() }},
            partner,
            region,
            service,
            '{{ flow }}' as flow,
            printed_{{ flow }}_million is not null as is_published,
            {% if computed -%}
                coalesce(printed_{{ flow }}_million, {{ computed }}) as value_million,
                case
                    when printed_{{ flow }}_million is not null then {{ flow }}_rounding_million
                    when printed_{{ flow }}_million is null then exports_rounding_million + imports_rounding_million
                end as rounding_million,
                case
                    when printed_{{ flow }}_million is not null then {{ flow }}_status
                    when printed_{{ flow }}_million is null then {{ status_of_both() }}
                end as status
            {%- else -%}
                printed_{{ flow }}_million as value_million,
                {{ flow }}_rounding_million as rounding_million,
                {{ flow }}_status as status
            {%- endif %}
        from cells
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select * from figures
where value_million is not null
