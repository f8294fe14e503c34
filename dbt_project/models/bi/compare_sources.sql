{%- set cell = ['source', 'reporter', 'period_start', 'period_end'] -%}

with totals as (

    select * from {{ ref('mart_trade_scale') }}
    where frequency = 'A'

),

-- Dollars where the source publishes them for the economy and year, else the first other currency.
currencies as (

    select
        {{ cell | join(', ') }},
        min(case when currency <> 'USD' then currency end) as other_currency,
        max(case when currency = 'USD' then 'USD' end) as dollars
    from totals
    group by {{ cell | join(', ') }}

),

scale as (

    select totals.*
    from totals
    inner join currencies
        on
            {% for column in cell -%}
                totals.{{ column }} = currencies.{{ column }} and {{ '' }}
            {%- endfor -%}
            totals.currency = coalesce(currencies.dollars, currencies.other_currency)

),

economies as (

    select * from {{ ref('dim_economy') }}
    where economy_type in {{ economy_types() }}

),

sources as (

    select * from {{ ref('dim_source') }}

),

rates as (

    select * from {{ ref('int_exchange_rate') }}

),

-- one kind of value of each source
series as (

    {{ one_series('scale', cell) }}

)

select
    scale.source,
    sources.title_en as source_name,
    scale.reporter,
    scale.reporter_name_en,
    scale.reporter_name_zh,
    scale.period_start,
    scale.period_end,
    scale.period_label,
    {{ usd_beside_published('scale', ['exports', 'imports', 'total', 'balance']) }},
    scale.exports_status,
    scale.imports_status,
    scale.total_status,
    scale.value_type,
    scale.vintage
from scale
inner join series on {{ is_of_series('series', 'scale', cell) }}
inner join economies on scale.reporter = economies.economy
inner join sources on scale.source = sources.source
left join rates on {{ is_same_period_and_currency('scale', 'rates') }}
order by scale.source, scale.reporter, scale.period_start
