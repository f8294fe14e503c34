{#-
    Make a large table in parts, so that the memory that it takes does not grow with its rows. A model whose rows depend on rows
    with the same value of a column alone states this column and the relation that has it:

        config(part_by='reporter', part_of='fct_bilateral_services_trade')

    and selects from this relation `where is_in_part('reporter')`. A part is a range of values, of about var('rows_per_part') rows
    of the relation. The parts are made one after another. On Spark, which divides the work itself, there is one part.

    is_in_part(column)        the condition on a column; true for all rows where no part is set, as in a unit test
    parts_of(column, name)    the first and last value of each part of the relation of a model
    set_part(part)            the statements that set the part of the session; without one, all rows
-#}
{% macro is_in_part(column) -%}
    {{ return(adapter.dispatch('is_in_part', 'services_trade')(column)) }}
{%- endmacro %}

{% macro default__is_in_part(column) -%}
    (getvariable('first_of_part') is null or {{ column }} between getvariable('first_of_part') and getvariable('last_of_part'))
{%- endmacro %}

{% macro spark__is_in_part(column) -%}
    {{ column }} is not null
{%- endmacro %}

{% macro parts_of(column, name) -%}
    {%- if column is none -%}{{ return([]) }}{%- endif -%}
    {%- set found = run_query(
        "select min(code), max(code) from (select code, floor((sum(rows) over (order by code) - 1) / "
        ~ var('rows_per_part', 2500000) ~ ") as part from (select " ~ column ~ " as code, count(*) as rows from "
        ~ ref(name) ~ " group by " ~ column ~ ")) group by part order by part"
    ).rows -%}
    {{ return(found | list) }}
{%- endmacro %}

{% macro set_part(part=none) -%}
    {%- for name in ['first_of_part', 'last_of_part'] -%}
        set variable {{ name }} = {{ "'" ~ part[loop.index0] ~ "'" if part is not none else 'null' }};
    {%- endfor -%}
{%- endmacro %}
