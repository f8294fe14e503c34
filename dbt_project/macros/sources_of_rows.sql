{#-
    The names of the sources that have the grouped rows, as a text; null for a model without a described column `source`.
    `condition` limits it to some of the rows. The descriptions are read, and not the database: that took a quarter of the
    time of a build.
-#}
{% macro sources_of_rows(model, condition='') -%}
    {%- set name = project_name ~ '.' ~ model.identifier -%}
    {%- set node = graph.nodes.get('model.' ~ name) or graph.nodes.get('seed.' ~ name) if execute -%}
    {%- if node and 'source' in node.columns -%}
        string_agg(distinct source, ', ') {{- ' filter (where ' ~ condition ~ ')' if condition }}
    {%- else -%}
        cast(null as {{ dbt.type_string() }})
    {%- endif -%}
{%- endmacro %}

{#- Names of columns, each quoted. -#}
{% macro quoted_columns(columns) -%}
    {%- set quoted = [] -%}
    {%- for column in columns -%}{%- do quoted.append(adapter.quote(column)) -%}{%- endfor -%}
    {{ return(quoted) }}
{%- endmacro %}
