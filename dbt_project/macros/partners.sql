{#
    The thresholds of the marts of partners and groups, and the membership of groups. Each threshold is stated here only;
    measures_partner.md gives the reasons.
#}

{#- Percent of the reporter's world figure that the named partner economies must add up to before they are ranked. -#}
{% macro least_partners_share_pct() -%} 80 {%- endmacro %}

{#- Percent of all services that the items of a source must add up to before the largest is the top item of a profile. -#}
{% macro least_items_share_pct() -%} 80 {%- endmacro %}

{#- Of the twelve main items: when more of them are not compiled, the shares of the others are none of the mix. -#}
{% macro most_items_not_compiled() -%} 6 {%- endmacro %}

{#- Whether enough of the main items are compiled; a source without the status compiles all of its items. -#}
{% macro is_mix_compiled(items_not_compiled) -%}
coalesce({{ items_not_compiled }}, 0) <= {{ most_items_not_compiled() }}
{%- endmacro %}

{#- Percent of a group's members that must have a figure before its sum has a share or a growth rate. -#}
{% macro least_coverage_pct() -%} 90 {%- endmacro %}

{#- Growth from less than this many million of the currency is marked by is_small_base. -#}
{% macro small_base_million() -%} 10 {%- endmacro %}

{#- The years on whose last day the members of a group are held fixed, beside its members as of each period. -#}
{% macro fixed_composition_years() -%}
    {{ return([2024]) }}
{%- endmacro %}

{% macro is_small_base(current_amount, previous_amount) -%}
{#- Whether a growth rate is from a small amount; null where there is no rate. -#}
case
    when {{ current_amount }} is not null and {{ previous_amount }} > 0
        then {{ previous_amount }} < {{ small_base_million() }}
end
{%- endmacro %}
