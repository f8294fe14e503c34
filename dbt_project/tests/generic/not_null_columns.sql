{#-
    Fails on every listed column that is null in some row, with the number of such rows. It is `not_null` for several
    columns in one scan of the table: one test per model instead of one test per column.
-#}
{% test not_null_columns(model, columns) %}

with counted as (

    select
        count(*) as row_count,
        {% for column in columns -%}
            count({{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ model }}

)

{% for column in columns -%}
    select
        '{{ column }}' as column_name,
        row_count - {{ column }} as null_count
    from counted
    where {{ column }} < row_count
    {{ 'union all' if not loop.last }}
{% endfor %}

{% endtest %}
