{#- The number of rows that meet a condition, as `<name>_rows`, and their sources, as `<name>_sources`. -#}
{% macro count_rows(model, condition, name) -%}
    count(case when {{ condition }} then 1 end) as {{ name }}_rows,
    {{ sources_of_rows(model, condition) }} as {{ name }}_sources
{%- endmacro %}

{#- The row of a broken rule of a single column, if `count_rows` found rows that break it. -#}
{% macro broken_rule(rule, column, found, name) -%}
    select
        '{{ rule }}' as rule,
        '{{ column }}' as field,
        {{ 'cast(null as varchar)' if found == 'null' else found }} as found,
        {{ name }}_sources as source,
        {{ name }}_rows as row_count
    from rows_by_rule
    where {{ name }}_rows > 0
{%- endmacro %}

{#- Values as a list of text literals; a column of another type is compared by its own type. -#}
{% macro literals(values) -%}
    {%- for value in values -%}
        '{{ value | string | replace("'", "''") }}'{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
