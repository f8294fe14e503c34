{#- The columns that identify a cell across vintages; with the vintage, the key of an observation. -#}
{% macro cell_columns(relation=none) -%}
    {%- set columns = [
        'source', 'reporter', 'partner', 'region', 'service', 'indicator', 'flow',
        'frequency', 'period_start', 'period_end', 'currency', 'unit', 'value_type'
    ] -%}
    {%- for column in columns -%}
        {{ relation ~ '.' if relation }}{{ column }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
