{#-
    What DuckDB and Spark write in different ways. Elsewhere the SQL is one for both. Texts are joined by concat_ws, which leaves out
    nulls on both, and not by concat, which is null on Spark when one of its texts is. Digits are trimmed by trim(trailing .. from ..),
    since rtrim takes its two arguments in another order on Spark. Ascending nulls are last on DuckDB and first on Spark.

    text_list(value, separator, order_by)   the texts of a group as one text; all arguments are SQL
    is_match(value, pattern)                whether a text has a match of a regular expression; both are SQL
    create_functions()                      the table functions of a release, on DuckDB; a release made on Spark gets them when its
                                            tables are in DuckDB's file
-#}
{% macro text_list(value, separator, order_by) -%}
    {{ return(adapter.dispatch('text_list', 'services_trade')(value, separator, order_by)) }}
{%- endmacro %}

{% macro default__text_list(value, separator, order_by) -%}
    string_agg({{ value }}, {{ separator }} order by {{ order_by }})
{%- endmacro %}

{% macro spark__text_list(value, separator, order_by) -%}
    listagg({{ value }}, {{ separator }}) within group (order by {{ order_by }})
{%- endmacro %}

{% macro is_match(value, pattern) -%}
    {{ return(adapter.dispatch('is_match', 'services_trade')(value, pattern)) }}
{%- endmacro %}

{% macro default__is_match(value, pattern) -%}
    regexp_matches({{ value }}, {{ pattern }})
{%- endmacro %}

{% macro spark__is_match(value, pattern) -%}
    regexp_like({{ value }}, {{ pattern }})
{%- endmacro %}

{% macro create_functions() -%}
    {{ return(adapter.dispatch('create_functions', 'services_trade')()) }}
{%- endmacro %}

{% macro default__create_functions() -%}
    use warehouse;  -- a function names its tables without a database, and DuckDB looks them up when it is created
    {{ create_as_of_functions() }}
    {{ create_growth_functions() }}
    use {{ target.database }};
{%- endmacro %}

{% macro spark__create_functions() -%}
{%- endmacro %}

{#- For a file whose tables were made by another engine: dbt run-operation write_functions. -#}
{% macro write_functions() -%}
    {%- do run_query(create_functions()) -%}
    {%- do adapter.commit() -%}
{%- endmacro %}
