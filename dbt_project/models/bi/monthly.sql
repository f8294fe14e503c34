with months as (

    select * from {{ ref('mart_trade_short_term') }}
    where frequency = 'M' and currency = 'USD' and service = 'S' and is_preferred

),

economies as (

    select * from {{ ref('dim_economy') }}
    where economy_type in {{ economy_types() }}

)

select
    months.reporter,
    months.reporter_name_en,
    months.reporter_name_zh,
    months.period_start,
    months.period_end,
    months.period_label,
    {% for flow in ['exports', 'imports', 'total', 'balance'] -%}
        max(case when months.flow = '{{ flow }}' then months.value_million end) as {{ flow }}_usd_million,
    {% endfor -%}
    {% for flow in ['exports', 'imports', 'total'] -%}
        max(case when months.flow = '{{ flow }}' then months.growth_on_year_pct end) as {{ flow }}_growth_pct,
    {% endfor -%}
    {% for flow, name in [('exports', 'exports_small'), ('imports', 'imports_small'), ('total', 'small')] -%}
        max(
            case
                when months.flow = '{{ flow }}' and months.is_small_base then 1
                when months.flow = '{{ flow }}' and not months.is_small_base then 0
            end
        ) = 1 as is_{{ name }}_base,
    {% endfor -%}
    max(case when months.is_derived then 1 else 0 end) = 1 as is_derived,
    months.value_type,
    months.source,
    months.source_name,
    months.vintage,
    {{ is_source_break('months', ['reporter']) }} as is_source_break
from months
inner join economies on months.reporter = economies.economy
group by
    months.reporter, months.reporter_name_en, months.reporter_name_zh, months.period_start, months.period_end, months.period_label,
    months.value_type, months.source, months.source_name, months.vintage
order by months.reporter, months.period_start
