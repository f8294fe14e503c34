{#-
    Codes are mapped, or their rows are held out of the facts and listed in core.held_row, so that no row is lost in
    a join. What is no code of a table but its form (a flow, a period, a unit) fails instead.

    raise_error(message)       SQL that fails with a text; DuckDB's error(), Spark's raise_error().
    unknown_code(...)          SQL that fails and names source, kind of code, the code and the remedy.
    required(...)              the value found in a lookup, or the failure above where there is none.
    mapped(...)                the value found in a lookup, or a mark `?seed|kind|code` where there is none.
    is_held(relation)          true for an observation with such a mark in one of its codes.
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
    {{ raise_error("concat_ws('', '" ~ source_name ~ ": unknown " ~ kind ~ " ''', coalesce(" ~ code ~ ", '(empty)'), '''. " ~ remedy ~ "')") }}
{%- endmacro %}

{% macro mapped(found, value, kind, code, seed) -%}
    case
        when {{ found }} is not null then {{ value }}
        else concat_ws('', '?{{ seed }}|{{ kind }}|', coalesce({{ code }}, '(empty)'))
    end
{%- endmacro %}

{% macro is_held(relation=none) -%}
    {%- set prefix = relation ~ '.' if relation -%}
    concat_ws('', {{ prefix }}reporter, {{ prefix }}partner, {{ prefix }}region, {{ prefix }}service, {{ prefix }}indicator) like '%?%'
{%- endmacro %}

{% macro required(found, value, source_name, kind, code, seed) -%}
    case
        when {{ found }} is not null then {{ value }}
        else {{ unknown_code(source_name, kind, code, 'Add it to dbt_project/seeds/' ~ seed ~ '.csv with its source_url') }}
    end
{%- endmacro %}

{#- The economy of a publisher's code, by seeds.economy_code; `economies` are the lines of the publisher's scheme. -#}
{% macro mapped_economy(kind, code, economies='economies') -%}
    {{ mapped(economies ~ '.code', economies ~ '.economy', kind, code, 'economy_code') }}
{%- endmacro %}

{#- UNCTAD's two flows. -#}
{% macro unctad_flow(source_name, code) -%}
    case {{ code }}
        when '01' then 'imports'
        when '02' then 'exports'
        else {{ unknown_code(source_name, 'flow', code, 'Find its meaning at UNCTADstat and map it in dbt_project/macros/codes.sql') }}
    end
{%- endmacro %}

{#- A value is estimated where the publisher's flag is one of the given, and reported everywhere else. -#}
{% macro value_type_of_flag(flag, estimates) -%}
    case
        when {{ flag }} in ('{{ estimates | join("', '") }}') then 'estimated'
        when {{ flag }} is null or {{ flag }} not in ('{{ estimates | join("', '") }}') then 'reported'
    end
{%- endmacro %}
