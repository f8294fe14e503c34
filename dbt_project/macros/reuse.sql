{#
    Reuse what did not change since the build before. A build file starts as a copy of the file of the last build with the same
    code, so each table, view and test is run again only if a relation that it reads has other content.

    raw.built_node       unique_id, inputs, content: the nodes of this build. warehouse/build/reuse.py writes the lines of the
                         landing before dbt runs, and inputs and the lines of tests after it
    raw.reusable_node    the same of the build that the file was copied from

    compared()           inputs, a digest of the content of all relations that the node reads, and the content that the node had
                         with the same inputs. Both are none in a build that starts anew, with --full-refresh
    record_content()     adds a relation to raw.built_node
    skip_node()          the statement that a materialization needs in place of its own
-#}
{% macro compared() -%}
    {%- set parents = model.depends_on.nodes | unique | list -%}
    {%- if flags.FULL_REFRESH -%}{{ return({'inputs': none, 'content': none}) }}{%- endif -%}
    {%- set found = run_query(
        "with parents as (select md5(coalesce(string_agg(content, ' ' order by unique_id), '')) as inputs"
        ~ " from raw.built_node where unique_id in ('" ~ parents | join("', '") ~ "') having count(*) = " ~ parents | length ~ ")"
        ~ " select parents.inputs, reusable.content from parents left join raw.reusable_node as reusable"
        ~ " on reusable.unique_id = '" ~ model.unique_id ~ "' and reusable.inputs = parents.inputs"
    ).rows -%}
    {{ return({'inputs': found[0][0], 'content': found[0][1]} if found else {'inputs': none, 'content': none}) }}
{%- endmacro %}

{% macro record_content(content) -%}
    {%- call statement('record_content') -%}
        insert into raw.built_node (unique_id, content) values ('{{ model.unique_id }}', {{ content }})
    {%- endcall -%}
    {%- do adapter.commit() -%}
{%- endmacro %}

{% macro skip_node() -%}
    {%- call noop_statement('main', 'UNCHANGED', 'UNCHANGED', 0) -%}{%- endcall -%}
{%- endmacro %}

{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] -%}
    {%- set content = compared().content -%}
    {%- if content is not none -%}
        {%- do skip_node() -%}
        {%- do record_content("'" ~ content ~ "'") -%}
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
    {%- do record_content('(select concat_ws(\' \', count(*), sum(hash(*columns(*)))) from ' ~ this ~ ')') -%}
    {{ return(made) }}
{%- endmaterialization %}

{% materialization view, adapter='duckdb' -%}
    {%- if load_cached_relation(this) is not none -%}
        {%- do skip_node() -%}
        {%- set made = {'relations': [this.incorporate(type='view')]} -%}
    {%- else -%}
        {%- set made = dbt.materialization_view_default() -%}
    {%- endif -%}
    {%- set inputs = compared().inputs -%}
    {%- do record_content("'" ~ inputs ~ "'") if inputs is not none -%}
    {{ return(made) }}
{%- endmaterialization %}

{% materialization test, adapter='duckdb' -%}
    {%- if compared().content is not none -%}
        {%- call statement('main', fetch_result=true, auto_begin=false) -%}
            select 0 as failures, false as should_warn, false as should_error
        {%- endcall -%}
        {{ return({'relations': []}) }}
    {%- endif -%}
    {{ return(dbt.materialization_test_default()) }}
{%- endmaterialization %}
