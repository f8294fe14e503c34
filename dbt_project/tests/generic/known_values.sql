{#- Fails on every value beyond the named ones: {column: [values]}; nulls are not judged here. -#}
{% test known_values(model, values) %}

{% for column, known in values.items() -%}
    select distinct
        '{{ column }}' as column_name,
        {{ column }} as unknown_value
    from {{ model }}
    where {{ column }} not in ('{{ known | join("', '") }}')
    {{ 'union all' if not loop.last }}
{% endfor %}

{% endtest %}
