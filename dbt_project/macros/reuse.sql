{#
    Reuse what did not change since the build before. A build file starts as a copy of the file of the last build with the same
    code, so each table, view and test is run again only if a relation that it reads has other content.

    raw.built_node       unique_id, inputs, content: the nodes of this build. load.py writes the lines of the landing
    raw.reusable_node    the same of the build that the file was copied from; empty in a file that starts anew

    node_inputs()        a digest of the content of all relations that the node reads; none when one of them is unknown
    reusable_content()   the content that the node had with the same inputs; none when it must run
    record_node()        adds the node to raw.built_node
    skip_node()          the statement that a materialization needs in place of its own
-#}
{% macro node_inputs() -%}
    {%- set parents = model.depends_on.nodes | unique | list -%}
    {%- if not parents -%}{{ return('none') }}{%- endif -%}
    {%- set found = run_query(
        "select md5(string_agg(content, ' ' order by unique_id)), count(*) from raw.built_node where unique_id in ('"
        ~ parents | join("', '") ~ "')"
    ).rows[0] -%}
    {{ return(found[0] if found[1] == parents | length else none) }}
{%- endmacro %}

{% macro reusable_content(inputs) -%}
    {%- if inputs is none -%}{{ return(none) }}{%- endif -%}
    {%- set found = run_query(
        "select content from raw.reusable_node where unique_id = '" ~ model.unique_id ~ "' and inputs = '" ~ inputs ~ "'"
    ).rows -%}
    {{ return(found[0][0] if found else none) }}
{%- endmacro %}

{% macro record_node(inputs, content) -%}
    {%- if inputs is not none -%}
        {%- call statement('record_node') -%}
            insert into raw.built_node values ('{{ model.unique_id }}', '{{ inputs }}', {{ content }})
        {%- endcall -%}
        {%- do adapter.commit() -%}
    {%- endif -%}
{%- endmacro %}

{% macro skip_node() -%}
    {%- call noop_statement('main', 'UNCHANGED', 'UNCHANGED', 0) -%}{%- endcall -%}
{%- endmacro %}

{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] -%}
    {%- set inputs = node_inputs() -%}
    {%- set content = reusable_content(inputs) -%}
    {%- if content is not none -%}
        {%- do skip_node() -%}
        {%- do record_node(inputs, "'" ~ content ~ "'") -%}
        {{ return({'relations': [this.incorporate(type='table')]}) }}
    {%- endif -%}
    {%- if model.language == 'python' -%}
        {#- dbt runs Python for a materialization itself only, and not for a macro that one calls. -#}
        {%- set made = {'relations': [this.incorporate(type='table')]} -%}
        {%- do drop_relation_if_exists(load_cached_relation(this)) -%}
        {%- call statement('main', language='python') -%}
            {{ create_table_as(false, this, compiled_code, 'python') }}
        {%- endcall -%}
        {%- do adapter.commit() -%}
    {%- else -%}
        {%- set parts = parts_of(config.get('part_by'), config.get('part_of')) -%}
        {%- do set_part(parts[0]) if parts | length > 1 -%}
        {%- set made = dbt.materialization_table_duckdb() -%}
        {%- for part in parts[1:] -%}
            {%- do set_part(part) -%}
            {%- call statement('further_part') -%}
                insert into {{ this }} by name {{ sql }}
            {%- endcall -%}
            {%- do adapter.commit() -%}
        {%- endfor -%}
        {%- do set_part() if parts | length > 1 -%}
    {%- endif -%}
    {%- do record_node(inputs, '(select concat_ws(\' \', count(*), sum(hash(*columns(*)))) from ' ~ this ~ ')') -%}
    {{ return(made) }}
{%- endmaterialization %}

{% materialization view, adapter='duckdb' -%}
    {%- set inputs = node_inputs() -%}
    {%- if load_cached_relation(this) is not none -%}
        {%- do skip_node() -%}
        {%- set made = {'relations': [this.incorporate(type='view')]} -%}
    {%- else -%}
        {%- set made = dbt.materialization_view_default() -%}
    {%- endif -%}
    {%- do record_node(inputs, "'" ~ inputs ~ "'") -%}
    {{ return(made) }}
{%- endmaterialization %}

{% materialization seed, adapter='duckdb' -%}
    {%- if load_cached_relation(this) is not none -%}
        {%- do skip_node() -%}
        {%- do store_result('agate_table', response='UNCHANGED') -%}
        {%- set made = {'relations': [this.incorporate(type='table')]} -%}
    {%- else -%}
        {%- set made = dbt.materialization_seed_default() -%}
    {%- endif -%}
    {%- do record_node('seed', "'" ~ model.checksum.checksum ~ "'") -%}
    {{ return(made) }}
{%- endmaterialization %}

{% materialization test, adapter='duckdb' -%}
    {%- set inputs = node_inputs() -%}
    {%- if reusable_content(inputs) is not none -%}
        {%- call statement('main', fetch_result=true, auto_begin=false) -%}
            select 0 as failures, false as should_warn, false as should_error
        {%- endcall -%}
        {%- do record_node(inputs, "'passed'") -%}
        {{ return({'relations': []}) }}
    {%- endif -%}
    {%- set made = dbt.materialization_test_default() -%}
    {%- if load_result('main').table.rows[0]['failures'] == 0 -%}
        {%- do record_node(inputs, "'passed'") -%}
    {%- endif -%}
    {{ return(made) }}
{%- endmaterialization %}
