{#-
    A column `source` with the names of the sources that have the grouped rows, for the failing rows of a test; nothing for
    a model without sources. `condition` limits it to some of the rows, and `name` is another name for the column.
-#}
{% macro sources_of_rows(model, condition='true', name='source') -%}
    {%- if execute and 'source' in (adapter.get_columns_in_relation(model) | map(attribute='name') | list) -%}
        string_agg(distinct case when {{ condition }} then source end, ', ') as {{ name }},
    {%- endif -%}
{%- endmacro %}
