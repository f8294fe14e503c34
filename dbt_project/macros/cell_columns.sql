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

{#- The columns of a series: of a cell without its period. -#}
{% macro series_columns() -%}
    {{ return(['source', 'reporter', 'partner', 'region', 'service', 'indicator', 'flow', 'frequency', 'currency', 'unit', 'value_type']) }}
{%- endmacro %}

{#- The join condition between two relations that have the columns of a series; `other_than` are columns that may differ. -#}
{% macro is_of_same_series(left_relation, right_relation, other_than=()) -%}
    {%- for column in series_columns() if column not in other_than -%}
        {{ left_relation }}.{{ column }} is not distinct from {{ right_relation }}.{{ column }}{{ ' and ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- The join condition between two relations that have the columns of a cell. -#}
{% macro is_of_same_cell(left_relation, right_relation, other_than=()) -%}
    {{ is_of_same_series(left_relation, right_relation, other_than) }}
    and {{ left_relation }}.period_start = {{ right_relation }}.period_start
    and {{ left_relation }}.period_end = {{ right_relation }}.period_end
{%- endmacro %}

{#- The join condition between a cell and the same series one year before. -#}
{% macro is_year_before(previous, current_row) -%}
    {{ is_of_same_series(previous, current_row) }}
    and {{ previous }}.period_start = cast({{ dbt.dateadd('year', -1, current_row ~ '.period_start') }} as date)
    and extract(month from {{ previous }}.period_end) = extract(month from {{ current_row }}.period_end)
{%- endmacro %}

{#- Whether a figure is a part of all services of its source, reporter, partner and region. -#}
{% macro is_part_of_services(relation) -%}
    {{ relation }}.service not in ('S', 'G', 'GS')
    and {{ relation }}.flow <> 'balance'
    and {{ relation }}.unit = 'million'
{%- endmacro %}

{#- The join condition between a part of all services and the figure of all services; a publisher may name each by an
    indicator of its own. Each condition compares both sides: with one on the part alone, DuckDB compares every row in a left join. -#}
{% macro is_total_of(total, part) -%}
    {{ total }}.service = case when {{ is_part_of_services(part) }} then 'S' end
    and {{ is_of_same_cell(total, part, other_than=('service', 'indicator')) }}
{%- endmacro %}

{#- The readable name of a series. concat_ws leaves out nulls: the name has only the parts that distinguish the series. An indicator
    names its series, but a mode of supply: each service and flow has it. -#}
{% macro series_name() -%}
    concat_ws(
        ' / ',
        source,
        reporter,
        case when partner <> 'WLD' then partner end,
        region,
        case when {{ is_mode_of_supply() }} then service end,
        coalesce(indicator, service),
        case when indicator is null or {{ is_mode_of_supply() }} then flow end,
        frequency,
        case when indicator is null or {{ is_mode_of_supply() }} then currency end,
        case when value_type <> 'reported' then value_type end
    )
{%- endmacro %}
