{#-
    What the tables of schema `bi` have in common. Each has one frequency, currency, kind of value and level of services, so that a
    plain sum() of an amount over its rows counts nothing twice.

    economy_types()                 the types of dim_economy that are no group of others
    scale_of_frequency(frequency)   the preferred totals of economies in US dollars
-#}
{% macro economy_types() -%}
    ('economy', 'dissolved')
{%- endmacro %}

{% macro scale_of_frequency(frequency) -%}
with scale as (

    select * from {{ ref('mart_trade_scale') }}
    where frequency = '{{ frequency }}' and currency = 'USD' and is_preferred

),

economies as (

    select * from {{ ref('dim_economy') }}
    where economy_type in {{ economy_types() }}

),

sources as (

    select * from {{ ref('dim_source') }}

)

select
    scale.reporter,
    scale.reporter_name_en,
    scale.reporter_name_zh,
    scale.period_start,
    scale.period_end,
    scale.period_label,
    scale.exports_million as exports_usd_million,
    scale.imports_million as imports_usd_million,
    scale.total_million as total_usd_million,
    scale.balance_million as balance_usd_million,
    scale.exports_growth_pct,
    scale.imports_growth_pct,
    scale.total_growth_pct,
    scale.source,
    sources.title_en as source_name,
    scale.vintage
from scale
inner join economies on scale.reporter = economies.economy
inner join sources on scale.source = sources.source
order by scale.reporter, scale.period_start
{%- endmacro %}
