{#-
    Fails on every combination of values that more than one row has. Nulls are equal to each other. Named and
    parameterised as dbt_utils.unique_combination_of_columns, so that catalogues and release comparisons find the key.
-#}
{% test unique_combination_of_columns(model, combination_of_columns) %}

{% set quoted = [] %}
{% for column in combination_of_columns %}{% do quoted.append(adapter.quote(column)) %}{% endfor %}

select
    {{ quoted | join(', ') }},
    {{ sources_of_rows(model) if 'source' not in combination_of_columns }}
    count(*) as row_count
from {{ model }}
group by {{ quoted | join(', ') }}
having count(*) > 1

{% endtest %}
