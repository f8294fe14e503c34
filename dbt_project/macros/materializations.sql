{#
    How DuckDB makes a table, a view and a test. A statement costs dbt 10 ms and more, and the adapter's own materializations take
    seventeen for a table: they make it under another name and rename it. A build writes files of its own, which are discarded when
    a statement fails, so that here each relation is made under its name by one call of several statements, its comments and its
    line in raw.built_node included. Models on Spark are made by dbt-spark's own materializations.

    A relation whose inputs are those of the last build is not made again, and a test on such relations is not run: reuse.sql.

    run_statements()     sends statements, of which DuckDB commits each by itself but for those of a transaction
    create_table()       the table with its rows and comments, in one transaction: each commit is written to the disk. Further
                         parts are committed one by one, so that the memory for them is free again
    check_contract()     ends with an error if the columns are not those of the yml: names, types and order
    comment_columns()    the descriptions of the table and its columns as comments
    insert_parts()       adds the rows of further parts of a large table: parts.sql
    insert_sources()     adds the rows of the model, or those of some sources
-#}
{% macro run_statements(name='main') -%}
    {%- set statements = caller() -%}
    {%- call statement(name, auto_begin=false) -%}
        {{ statements }}
    {%- endcall -%}
{%- endmacro %}

{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] -%}
    {%- set known, by_source = compared(), read_by_source() | length > 0 -%}
    {%- set made_again = sources_made_again(known.inputs) if by_source and known.content is none else none -%}
    {%- if known.content is not none -%}
        {%- call noop_statement('main', 'UNCHANGED', 'UNCHANGED', 0) -%}{%- endcall -%}
        {%- call run_statements('record') -%}
            {{ record_parts([]) if by_source else record_content("'" ~ known.content ~ "'") }}
        {%- endcall -%}
    {%- elif made_again is not none -%}
        {%- set parts = parts_of(config.get('part_by'), config.get('part_of')) -%}
        {%- call run_statements('made_again') -%}
            delete from {{ this }} where source in ('{{ made_again | join("', '") }}');
            {{ insert_parts(parts, made_again) if parts | length > 1 else insert_sources(made_again) }}
            {{ record_parts(made_again) }}
        {%- endcall -%}
        {%- set message = 'ONLY ' ~ made_again | sort | join(', ') -%}
        {%- call noop_statement('main', message, message, 0) -%}{%- endcall -%}
    {%- elif model.language == 'python' -%}
        {#- dbt runs Python for a materialization itself only, and not for a macro that one calls. -#}
        {%- do drop_relation_if_exists(load_cached_relation(this)) -%}
        {%- call statement('main', language='python') -%}
            {{ create_table_as(false, this, compiled_code, 'python') }}
        {%- endcall -%}
        {%- do adapter.commit() -%}
        {%- call run_statements('record') -%}{{ record_table(by_source) }}{%- endcall -%}
    {%- else -%}
        {%- set parts = parts_of(config.get('part_by'), config.get('part_of')) -%}
        {%- call run_statements() -%}
            {{ create_table(parts) }}
            {{ record_table(by_source) }}
        {%- endcall -%}
    {%- endif -%}
    {{ return({'relations': [this.incorporate(type='table')]}) }}
{%- endmaterialization %}

{% macro create_table(parts) -%}
    {% if parts | length > 1 %}{{ set_part(parts[0]) }}{% endif %}
    begin transaction;
    create or replace table {{ this }} as
    {{ sql }}
    ;
    {% if config.get('contract').enforced %}{{ check_contract() }}{% endif %}
    {{ comment_columns() }}
    commit;
    {% if parts | length > 1 %}{{ insert_parts(parts[1:]) }}{% endif %}
{%- endmacro %}

{% macro check_contract() -%}
    {%- set declared = [] -%}
    {%- for column in model.columns.values() -%}{%- do declared.append(column.name ~ ' ' ~ column.data_type | lower) -%}{%- endfor -%}
    select
        error(concat_ws(
            '', '{{ this.identifier }}.yml and the table do not have the same columns in the same order: column ', min(number),
            ' of the yml is ', coalesce(arg_min(declared, number), 'none'), ', that of the table ',
            coalesce(arg_min(made, number), 'none')
        ))
    from (
        select unnest(range(1, {{ declared | length }} + 1)) as number, unnest(['{{ declared | join("', '") }}']) as declared
    )
    full join (
        select column_index as number, column_name || ' ' || lower(data_type) as made
        from duckdb_columns()
        where
            database_name = '{{ this.database }}' and schema_name = '{{ this.schema }}' and table_name = '{{ this.identifier }}'
    ) using (number)
    where made is distinct from declared
    having count(*) > 0;
{%- endmacro %}

{% macro comment_columns() -%}
    {% if config.persist_relation_docs() and model.description %}
        comment on table {{ this }} is {{ duckdb_escape_comment(model.description) }};
    {% endif %}
    {% if config.persist_column_docs() %}
        {% for column in model.columns.values() if column.description %}
            comment on column {{ this }}.{{ column.name }} is {{ duckdb_escape_comment(column.description) }};
        {% endfor %}
    {% endif %}
{%- endmacro %}

{% macro insert_parts(parts, made_again=none) -%}
    {% for part in parts %}
        {{ set_part(part) }}
        {{ insert_sources(made_again) }}
    {% endfor %}
    {{ set_part() }}
{%- endmacro %}

{% macro insert_sources(made_again=none) -%}
    insert into {{ this }} by name
    {% if made_again is none %}{{ sql }}{% else %}
        select * from ({{ sql }}) where source in ('{{ made_again | join("', '") }}')
    {% endif %}
    ;
{%- endmacro %}

{% macro record_table(by_source) -%}
    {{ record_parts() if by_source else record_content('(select concat_ws(\' \', count(*), sum(hash(*columns(*)))) from ' ~ this ~ ')') }}
{%- endmacro %}

{% materialization view, adapter='duckdb' -%}
    {%- if load_cached_relation(this) is not none -%}
        {%- call noop_statement('main', 'UNCHANGED', 'UNCHANGED', 0) -%}{%- endcall -%}
    {%- else -%}
        {%- call run_statements() -%}
            create view {{ this }} as (
            {{ sql }}
            );
        {%- endcall -%}
    {%- endif -%}
    {%- set inputs = compared().inputs -%}
    {%- if inputs is not none -%}
        {%- call run_statements('record') -%}
            {{ record_content("'" ~ inputs ~ "'") }}
            {% if read_by_source() %}
                insert into raw.built_part (unique_id, source, content)
                select '{{ model.unique_id }}', source, inputs from ({{ compared_parts() }});
            {% endif %}
        {%- endcall -%}
    {%- endif -%}
    {{ return({'relations': [this.incorporate(type='view')]}) }}
{%- endmaterialization %}

{% materialization test, adapter='duckdb' -%}
    {%- call statement('main', fetch_result=true, auto_begin=false) -%}
        {% if compared().content is not none %}
            select 0 as failures, false as should_warn, false as should_error
        {% else %}
            {{ get_test_sql(
                get_limit_subquery_sql(sql, config.get('limit')), config.get('fail_calc'), config.get('warn_if'), config.get('error_if'),
                limit=none
            ) }}
        {% endif %}
    {%- endcall -%}
    {{ return({'relations': []}) }}
{%- endmaterialization %}
