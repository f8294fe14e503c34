{#-
    The rules of mart_market_share_change (docs block market_share_method). A span is two years of one series; the world
    of a source without a world row is the sum of its economies, where it has many.
-#}

{% macro market_share_spans() -%} {{ return([1, 5]) }} {%- endmacro %}

{#- The number of economies from which on their sum stands for the world. -#}
{% macro least_world_economies() -%} 100 {%- endmacro %}

{#- The fixed texts of the reason why a span has no effects. -#}
{% macro market_share_reasons() -%}
    {{ return({
        'first': 'the exports of the first year are not positive',
        'world': 'the source states the items of neither the world nor 100 economies in both years',
        'markets': 'imports from the world by the markets of 90 percent of the exports are not loaded',
        'items': 'the growth of the world is not known for the items of 90 percent of the exports',
    }) }}
{%- endmacro %}

{#- Growth as a fraction, with -1 for the end of trade; null where a figure is missing or the first is not positive. -#}
{% macro growth_fraction(last_amount, first_amount) -%}
case
    when {{ first_amount }} > 0
        then cast({{ last_amount }} - {{ first_amount }} as double) / cast({{ first_amount }} as double)
end
{%- endmacro %}

{#- An amount times a fraction, as a decimal: sums of decimals do not depend on the order of the rows. -#}
{% macro amount_times(amount, fraction) -%}
cast(cast({{ amount }} as double) * ({{ fraction }}) as decimal(38, 12))
{%- endmacro %}

{#- The growth of the world without one economy's own market, of two relations of doubles: the second may be empty. -#}
{% macro growth_of_others(world, own) -%}
case
    when {{ own }}.first_million is null then {{ world }}.growth
    when {{ world }}.first_million > {{ own }}.first_million
        then
            ({{ world }}.last_million - {{ own }}.last_million) / ({{ world }}.first_million - {{ own }}.first_million) - 1
end
{%- endmacro %}

{% macro is_same_columns(columns, left_relation, right_relation) -%}
{%- for column in columns -%}
{{ left_relation }}.{{ column }} = {{ right_relation }}.{{ column }}{{ '\n    and ' if not loop.last }}
{%- endfor -%}
{%- endmacro %}

{% macro is_same_span(left_relation, right_relation) -%}
{{ is_same_columns(['form', 'source', 'currency', 'value_type', 'first_year', 'span_years'], left_relation, right_relation) }}
{%- endmacro %}
