{{ config(by_source=true) }}
-- A source may publish a flow under several indicators. Which of them is meant is not known here, so that only a flow
-- with one figure is used.
with flows as (

    select
        source,
        reporter,
        frequency,
        period_start,
        period_end,
        currency,
        flow,
        max(value_million) as value_million
    from {{ ref('fct_goods_trade') }}
    group by source, reporter, frequency, period_start, period_end, currency, flow
    having count(*) = 1

),

pivoted as (

    select
        source,
        reporter,
        frequency,
        period_start,
        period_end,
        currency,
        max(case when flow = 'exports' then value_million end) as exports_million,
        max(case when flow = 'imports' then value_million end) as imports_million,
        max(case when flow = 'total' then value_million end) as printed_total_million
    from flows
    group by source, reporter, frequency, period_start, period_end, currency

)

select
    source,
    reporter,
    frequency,
    period_start,
    period_end,
    currency,
    exports_million,
    imports_million,
    coalesce(printed_total_million, exports_million + imports_million) as total_million
from pivoted
