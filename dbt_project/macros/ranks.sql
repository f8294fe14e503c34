{#
    The rules of mart_trade_ranking: when the economies of a source are ranked. measures_ranking.md gives the reasons.
#}

{#- Percent of the stated world that the economies with a figure must add up to before they are ranked. -#}
{% macro least_economies_share_pct() -%} 80 {%- endmacro %}

{#- The number of economies with a figure from which on a summed world is ranked. -#}
{% macro least_economies_summed() -%} 50 {%- endmacro %}
