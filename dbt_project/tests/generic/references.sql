{#- Fails on every value that the named table lacks: {column: {to: ref(...), field: ...}}. -#}
{% test references(model, columns) %}

{% for column, parent in columns.items() -%}
    select distinct
        '{{ column }}' as column_name,
        child.{{ column }} as lacking
    from {{ model }} as child
    left join {{ parent.to }} as parent on child.{{ column }} = parent.{{ parent.field }}
    where
        child.{{ column }} is not null
        and parent.{{ parent.field }} is null
    {{ 'union all' if not loop.last }}
{% endfor %}

{% endtest %}
