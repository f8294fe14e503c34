{#-
    Codes are mapped, or the build fails with the code in the message, so that no row is lost in a join.

    raise_error(message)       SQL that fails with a text; DuckDB's error(), Spark's raise_error().
    unknown_code(...)          SQL that fails and names source, kind of code, the code and the remedy.
    mapped(...)                the value found in a lookup, or the failure above where there is none.
    mapped_economy(...)        the same for an economy.

    Both engines evaluate a branch of `case` only for the rows that reach it, so a known code never
    raises. The failing expression always reads the row's own code: a constant would be folded, and raise,
    before any row is read. error(null) raises nothing, hence the coalesce.
-#}
{% macro raise_error(message) -%}
    {{ return(adapter.dispatch('raise_error', 'services_trade')(message)) }}
{%- endmacro %}

{% macro default__raise_error(message) -%}
    error({{ message }})
{%- endmacro %}

{% macro spark__raise_error(message) -%}
    raise_error({{ message }})
{%- endmacro %}

{% macro unknown_code(source_name, kind, code, remedy) -%}
    {{ raise_error("concat('" ~ source_name ~ ": unknown " ~ kind ~ " ''', coalesce(" ~ code ~ ", '(empty)'), '''. " ~ remedy ~ "')") }}
{%- endmacro %}

{% macro mapped(found, value, source_name, kind, code, seed) -%}
    case
        when {{ found }} is not null then {{ value }}
        else {{ unknown_code(source_name, kind, code, 'Add it to dbt_project/seeds/' ~ seed ~ '.csv with its source_url') }}
    end
{%- endmacro %}

{#- The economy of a publisher's code, by seeds.economy_code; `economies` are the lines of the publisher's scheme. -#}
{% macro mapped_economy(source_name, kind, code, economies='economies') -%}
    {{ mapped(economies ~ '.code', economies ~ '.economy', source_name, kind, code, 'economy_code') }}
{%- endmacro %}

{#- UNCTAD's two flows. -#}
{% macro unctad_flow(source_name, code) -%}
    case {{ code }}
        when '01' then 'imports'
        when '02' then 'exports'
        else {{ unknown_code(source_name, 'flow', code, 'Find its meaning at UNCTADstat and map it in dbt_project/macros/codes.sql') }}
    end
{%- endmacro %}
