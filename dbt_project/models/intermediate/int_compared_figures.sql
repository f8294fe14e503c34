-- The figures that mart_reconciliation compares: trade in services and in goods with the world, each with what it measures.
{%- set columns = [
    'source', 'vintage', 'reporter', 'partner', 'service', 'flow', 'frequency', 'period_start', 'period_end', 'period_label',
    'currency', 'value_type', 'value_million', 'status'
] %}

with services as (

    select * from {{ ref('fct_services_trade') }}
    where flow <> 'balance' and value_million is not null

),

-- A source may publish a flow of goods under several indicators. Which of them is meant is not known here, so that only a flow
-- with one figure is used.
goods as (

    select
        *,
        'G' as service,
        count(*) over (
            partition by source, reporter, partner, flow, frequency, period_start, period_end, currency, value_type
        ) as figures
    from {{ ref('fct_goods_trade') }}
    where flow <> 'balance'

),

figures as (

    select {{ columns | join(', ') }} from services
    union all
    select {{ columns | join(', ') }} from goods
    where figures = 1

),

concepts as (

    select * from {{ ref('trade_concept') }}

)

select
    {% for column in columns -%}
        figures.{{ column }},
    {% endfor -%}
    concepts.concept
from figures
left join concepts
    on
        figures.source = concepts.source
        and concepts.service = case when figures.service = 'G' then 'G' when figures.service <> 'G' then 'S' end
