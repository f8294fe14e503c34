{#
    Building blocks of the indices of structure. A share with a missing, zero or negative whole, or with a negative
    part (a few publishers print some), is null, since an index of such shares would leave its range.
#}

{% macro share_of(part, whole) -%}
case
    when {{ whole }} > 0 and {{ part }} >= 0
        then {{ to_double(part) }} / {{ to_double(whole) }}
end
{%- endmacro %}

{#- The key of the figures that one source prints of one reporter and period, in one currency and kind of value. The label
    adds nothing to the key: frequency and dates give it. `of_reporter` are further columns, which come after the reporter. -#}
{% macro reporter_cell_columns(relation=none, of_reporter=[]) -%}
    {%- set columns = ['source', 'vintage', 'reporter'] + of_reporter + [
        'frequency', 'period_start', 'period_end', 'period_label', 'currency', 'value_type'
    ] -%}
    {%- for column in columns -%}
        {{ relation ~ '.' if relation }}{{ column }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- The key of the world's figures in one source, period, currency and kind of value. -#}
{% macro world_cell_columns(relation=none) -%}
    {%- set columns = ['source', 'frequency', 'period_start', 'period_end', 'currency', 'value_type'] -%}
    {%- for column in columns -%}
        {{ relation ~ '.' if relation }}{{ column }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{% macro is_same_world_cell(left_relation, right_relation) -%}
{#- The join condition between figures of any economies in one source, period, currency and kind of value. -#}
{{ left_relation }}.source = {{ right_relation }}.source
    and {{ is_same_period_and_currency(left_relation, right_relation) }}
    and {{ left_relation }}.value_type = {{ right_relation }}.value_type
{%- endmacro %}

{% macro is_same_cell_in_any_vintage(left_relation, right_relation) -%}
{#- As is_same_cell, with a relation that has no vintage. -#}
{{ is_same_world_cell(left_relation, right_relation) }}
    and {{ left_relation }}.reporter = {{ right_relation }}.reporter
{%- endmacro %}

{% macro is_same_cell(left_relation, right_relation) -%}
{#- The join condition between two relations that hold figures of one source, economy, period, currency and kind. -#}
{{ is_same_cell_in_any_vintage(left_relation, right_relation) }}
    and {{ left_relation }}.vintage = {{ right_relation }}.vintage
{%- endmacro %}

{% macro is_same_period_and_currency(left_relation, right_relation) -%}
{#- As is_same_cell, for any pair of sources and economies. -#}
{{ is_same_period(left_relation, right_relation) }}
    and {{ left_relation }}.currency = {{ right_relation }}.currency
{%- endmacro %}

{% macro is_same_period(left_relation, right_relation) -%}
{{ left_relation }}.frequency = {{ right_relation }}.frequency
    and {{ left_relation }}.period_start = {{ right_relation }}.period_start
    and {{ left_relation }}.period_end = {{ right_relation }}.period_end
{%- endmacro %}
