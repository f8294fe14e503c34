{%- set flows = ['exports', 'imports', 'total', 'balance'] -%}

with months as (

    select * from {{ ref('mart_trade_short_term') }}
    where frequency = 'M' and service = 'S' and is_preferred

),

economies as (

    select * from {{ ref('dim_economy') }}
    where economy_type in {{ economy_types() }}

),

rates as (

    select * from {{ ref('int_exchange_rate') }}

),

-- the four flows of a month in one row
scale as (

    select
        reporter,
        reporter_name_en,
        reporter_name_zh,
        frequency,
        period_start,
        period_end,
        period_label,
        currency,
        {% for flow in flows -%}
            max(case when flow = '{{ flow }}' then value_million end) as {{ flow }}_million,
        {% endfor -%}
        {% for flow in ['exports', 'imports', 'total'] -%}
            max(case when flow = '{{ flow }}' then growth_on_year_pct end) as {{ flow }}_growth_pct,
        {% endfor -%}
        {% for flow, name in [('exports', 'exports_small'), ('imports', 'imports_small'), ('total', 'small')] -%}
            max(
                case
                    when flow = '{{ flow }}' and is_small_base then 1
                    when flow = '{{ flow }}' and not is_small_base then 0
                end
            ) = 1 as is_{{ name }}_base,
        {% endfor -%}
        {% for flow in ['exports', 'imports', 'total'] -%}
            max(case when flow = '{{ flow }}' then status end) as {{ flow }}_status,
        {% endfor -%}
        max(case when is_derived then 1 else 0 end) = 1 as is_derived,
        value_type,
        source,
        source_name,
        vintage
    from months
    group by
        reporter, reporter_name_en, reporter_name_zh, frequency, period_start, period_end, period_label, currency, value_type, source,
        source_name, vintage

)

select
    scale.reporter,
    scale.reporter_name_en,
    scale.reporter_name_zh,
    scale.period_start,
    scale.period_end,
    scale.period_label,
    {{ usd_beside_published('scale', flows) }},
    scale.exports_growth_pct,
    scale.imports_growth_pct,
    scale.total_growth_pct,
    scale.is_exports_small_base,
    scale.is_imports_small_base,
    scale.is_small_base,
    scale.is_derived,
    scale.exports_status,
    scale.imports_status,
    scale.total_status,
    scale.value_type,
    scale.source,
    scale.source_name,
    scale.vintage,
    {{ is_source_break('scale', ['reporter'], ['currency']) }} as is_source_break
from scale
inner join economies on scale.reporter = economies.economy
left join rates on {{ is_same_period_and_currency('scale', 'rates') }}
order by scale.reporter, scale.period_start
