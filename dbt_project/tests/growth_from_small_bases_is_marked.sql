{#- The marts with growth on the year before: their value, their rate, the columns of the key besides
    reporter and period, and their mark. -#}
{% set marts = [
    ('mart_trade_scale', 'total_million', 'total_growth_pct', "'S', 'total'", 'is_small_base'),
    ('mart_trade_scale', 'exports_million', 'exports_growth_pct', "'S', 'exports'", 'is_exports_small_base'),
    ('mart_trade_scale', 'imports_million', 'imports_growth_pct', "'S', 'imports'", 'is_imports_small_base'),
    ('mart_trade_structure', 'value_million', 'growth_pct', 'service, flow', 'is_small_base'),
    ('mart_trade_short_term', 'value_million', 'growth_on_year_pct', 'service, flow', 'is_small_base'),
    ('mart_trade_partner', 'value_million', 'growth_pct', 'partner, service, flow', 'is_small_base'),
    ('mart_trade_partner_group', 'value_million', 'growth_pct', 'group_code, composition, service, flow', 'is_small_base'),
    ('mart_digital_trade', 'value_million', 'growth_pct', 'group_service, flow', 'is_small_base'),
] -%}
-- Fails on a growth rate that does not say whether it starts from a small amount, on a mark without a rate, and on a mark that
-- the value and its growth contradict.
with rates as (

    {% for mart, amount, growth, cell, mark in marts %}
        select
            '{{ mart }}' as mart,
            source,
            reporter,
            concat_ws(', ', {{ cell }}) as cell,
            period_label,
            {{ amount }} as value_million,
            {{ growth }} as growth_pct,
            {{ mark }} as is_small_base
        from {{ ref(mart) }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select *
from rates
where
    (growth_pct is null) <> (is_small_base is null)
    or (
        value_million > 0
        and is_small_base <> (value_million / nullif(1 + growth_pct / 100, 0) < {{ small_base_million() }})
        and abs(value_million / nullif(1 + growth_pct / 100, 0) - {{ small_base_million() }}) > 0.000001
    )
