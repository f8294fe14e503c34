{#-
    Fails on every listed column that is null in some row, with the number of such rows and their sources. It is `not_null`
    for several columns in one scan of the table: one test per model instead of one test per column.
-#}
{% test not_null_columns(model, columns) %}

{% set sources = sources_of_rows(model) %}

with counted as (

    select
        {% for column in columns -%}
            {{ sources_of_rows(model, column ~ ' is null', 'sources_of_' ~ column) }}
            count({{ column }}) as {{ column }},
        {% endfor -%}
        count(*) as row_count
    from {{ model }}

)

{% for column in columns -%}
    select
        '{{ column }}' as column_name,
        {{ 'sources_of_' ~ column ~ ' as source,' if sources }}
        row_count - {{ column }} as null_count
    from counted
    where {{ column }} < row_count
    {{ 'union all' if not loop.last }}
{% endfor %}

{% endtest %}
