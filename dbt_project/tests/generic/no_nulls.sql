{#- Fails on every named column that is null in some row, and says in how many: one scan for all columns. -#}
{% test no_nulls(model, columns) %}

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
