{#- Fails on a row without an amount that is not marked as not compiled, and on a marked row with an amount. -#}
{% test empty_only_where_not_compiled(model, amount) %}

select *
from {{ model }}
where ({{ amount }} is null) <> coalesce(status = '{{ not_compiled() }}', false)

{% endtest %}
