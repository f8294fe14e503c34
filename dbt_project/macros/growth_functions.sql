{#-
    Growth and indices over any span of years, of the annual figures of mart_trade_structure: table functions of the database,
    written when a build ends. measures_structure.md has the formulas.

    create_growth_functions()   select * from marts.growth_between(2005, 2019)
                                select * from marts.index_of(2010)
-#}
{% macro create_growth_functions() %}
    {%- set relation = ref('mart_trade_structure') -%}
    {#- A run that failed, or that made only some of the tables, has none to make functions of. -#}
    {%- if execute and load_relation(relation) is not none -%}
        {#- Without the database's name: a release may be copied under another one. -#}
        {%- set mart = relation.include(database=false) -%}
        {%- set functions = {
            'growth_between(first_year, last_year)': [
                growth_between(mart), 'Compound annual growth of each series of mart_trade_structure from one year to another.'
            ],
            'index_of(base_year)': [
                index_of(mart), 'Each annual figure of mart_trade_structure as an index, 100 in the base year.'
            ],
        } -%}
        {%- for signature, (query, comment) in functions.items() %}
        create or replace macro {{ relation.schema }}.{{ signature }} as table {{ query }};
        comment on macro table {{ relation.schema }}.{{ signature.split('(')[0] }} is '{{ comment }}';
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}

{#- The columns that identify a series. Groups, windows and the order have no others: texts of names make them twice as slow. -#}
{% macro annual_series_key() -%}
    source, vintage, reporter, currency, value_type, service, flow
{%- endmacro %}

{#- The columns that identify a series and name it. -#}
{% macro annual_series_columns() -%}
    source, source_name, vintage, reporter, reporter_name_en, reporter_name_zh, currency, value_type,
    service, service_name_en, service_name_zh, flow
{%- endmacro %}

{#- The annual figures that have growth: a balance has none. -#}
{% macro annual_figures(mart) -%}
    select
        {{ annual_series_columns() }},
        cast(extract(year from period_start) as integer) as period_year,
        value_million
    from {{ mart }}
    where frequency = 'A' and flow <> 'balance'
{%- endmacro %}

{% macro growth_between(mart) %}
    with figures as (

        {{ annual_figures(mart) }}

    ),

    span as (

        select
            cast(first_year as integer) as start_year,
            cast(last_year as integer) as end_year

    ),

    series as (

        select
            {{ annual_series_key() }},
            {%- for name in ['source_name', 'reporter_name_en', 'reporter_name_zh', 'service_name_en', 'service_name_zh'] %}
            max({{ name }}) as {{ name }},
            {%- endfor %}
            span.start_year,
            span.end_year,
            max(case when figures.period_year = span.start_year then figures.value_million end) as first_value_million,
            max(case when figures.period_year = span.end_year then figures.value_million end) as last_value_million
        from figures
        inner join span on figures.period_year in (span.start_year, span.end_year)
        group by {{ annual_series_key() }}, span.start_year, span.end_year

    )

    select
        {{ annual_series_columns() }},
        start_year as first_year,
        end_year as last_year,
        end_year - start_year as years,
        first_value_million,
        last_value_million,
        case
            when end_year > start_year and first_value_million > 0 and last_value_million > 0
                then (power(last_value_million / first_value_million, 1.0 / (end_year - start_year)) - 1) * 100
        end as cagr_pct
    from series
    order by {{ annual_series_key() }}
{% endmacro %}

{% macro index_of(mart) %}
    with figures as (

        {{ annual_figures(mart) }}

    ),

    based as (

        select
            *,
            max(case when period_year = cast(base_year as integer) then value_million end) over (
                partition by {{ annual_series_key() }}
            ) as base_value_million
        from figures

    )

    select
        {{ annual_series_columns() }},
        period_year,
        cast(base_year as integer) as base_year,
        value_million,
        base_value_million,
        case when base_value_million > 0 then value_million / base_value_million * 100 end as index_value
    from based
    order by {{ annual_series_key() }}, period_year
{% endmacro %}
