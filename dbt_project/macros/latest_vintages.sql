{#- The ids of the vintages that are some source's latest, as SQL literals; one of an empty landing is none. -#}
{% macro latest_vintages(vintages) -%}
    {%- set found = [] -%}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set asked = run_query('select distinct vintage from ' ~ vintages ~ ' where next_vintage is null order by vintage') -%}
        {%- for row in asked.rows -%}
            {%- do found.append("'" ~ row[0] ~ "'") -%}
        {%- endfor -%}
    {%- endif -%}
    {{ found | join(', ') if found else "''" }}
{%- endmacro %}
