{#-
    Fails on every value of a column that is not listed, with its number of rows and the sources that have it. It replaces
    dbt's test of the same name, which does not name the source: a build sets the source aside that a failed test names.
-#}
{% test accepted_values(model, column_name, values, quote=True) %}

select
    {{ column_name }} as value_field,
    {{ sources_of_rows(model) }}
    count(*) as n_records
from {{ model }}
group by {{ column_name }}
having
    {{ column_name }} not in (
        {% for value in values -%}
            {{ "'" ~ value ~ "'" if quote else value }}{{ ', ' if not loop.last }}
        {%- endfor %}
    )

{% endtest %}
