{#- Contracts and seeds say `varchar`, which Spark's SQL does not take without a length. -#}
{% macro strictspark_type(data_type) -%}
    {{ return('string' if data_type | lower == 'varchar' else data_type) }}
{%- endmacro %}

{% macro strictspark__cast(field, type) -%}
    cast({{ field }} as {{ strictspark_type(type) }})
{%- endmacro %}

{#- The adapter writes the rows of a seed with its table. -#}
{% macro strictspark__create_csv_table(model, agate_table) -%}
    {%- set declared = model['config'].get('column_types', {}) -%}
    {%- set types = {} -%}
    {%- for name in agate_table.column_names -%}
        {%- do types.update({name: strictspark_type(declared.get(name, adapter.convert_type(agate_table, loop.index0)))}) -%}
    {%- endfor -%}
    {{ return(adapter.write_seed(this.render(), agate_table, types)) }}
{%- endmacro %}

{% macro strictspark__load_csv_rows(model, agate_table) -%}
    {{ return('') }}
{%- endmacro %}
