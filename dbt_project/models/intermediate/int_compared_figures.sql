-- The figures that mart_reconciliation compares: trade in services and in goods with the world, each with what it measures.
-- Three months are a quarter where their source states no quarter, so that they meet the balance of payments.
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

stated as (

    select {{ columns | join(', ') }} from services
    union all
    select {{ columns | join(', ') }} from goods
    where figures = 1

),

quarters as (

    select
        source,
        vintage,
        reporter,
        partner,
        service,
        flow,
        'Q' as frequency,
        min(period_start) as period_start,
        max(period_end) as period_end,
        {{ period_label("'Q'", 'min(period_start)', 'max(period_end)') }} as period_label,
        currency,
        value_type,
        sum(value_million) as value_million,
        concat_ws('; ', 'sum of 3 months', max(status)) as status
    from stated
    where frequency = 'M'
    group by
        source, vintage, reporter, partner, service, flow, currency, value_type,
        extract(year from period_start), extract(quarter from period_start)
    having count(value_million) = 3

),

figures as (

    select
        *,
        1 as summands
    from stated
    union all
    select
        quarters.*,
        3 as summands
    from quarters
    left join stated
        on
            quarters.source = stated.source
            and quarters.reporter = stated.reporter
            and quarters.partner = stated.partner
            and quarters.service = stated.service
            and quarters.flow = stated.flow
            and {{ is_same_period_and_currency('quarters', 'stated') }}
            and quarters.value_type = stated.value_type
    where stated.source is null

),

concepts as (

    select * from {{ ref('trade_concept') }}

)

select
    {% for column in columns -%}
        figures.{{ column }},
    {% endfor -%}
    figures.summands,
    concepts.concept
from figures
left join concepts
    on
        figures.source = concepts.source
        and concepts.service = case when figures.service = 'G' then 'G' when figures.service <> 'G' then 'S' end
