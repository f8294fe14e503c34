{%- set cell = ['reporter', 'period_start'] %}
-- The parts of all services: no total, no part of a part, no group that a publisher derives.
with items as (

    select structure.*
    from {{ ref('mart_trade_structure') }} as structure
    inner join {{ ref('dim_service') }} as services
        on
            structure.service = services.service
            and services.parent_service = 'S'
            and not services.is_derived
    where
        structure.frequency = 'A'
        and structure.currency = 'USD'
        and structure.flow in ('exports', 'imports')
        and structure.value_million is not null

),

-- a list of a few services has a largest one, but it is not the largest of all
flows as (

    select
        source,
        vintage,
        reporter,
        period_start,
        currency,
        value_type,
        is_preferred,
        flow
    from items
    group by source, vintage, reporter, period_start, currency, value_type, is_preferred, flow
    having count(*) > 1 and sum(share_pct) >= {{ least_items_share_pct() }}

),

series as (

    {{ one_series('flows', cell, 'count(*) desc, max(case when flows.is_preferred then 1 else 0 end) desc') }}

),

ranked as (

    select
        items.*,
        row_number() over (
            partition by items.reporter, items.period_start, items.flow order by items.value_million desc, items.service asc
        ) as item_rank
    from items
    inner join series on {{ is_of_series('series', 'items', cell) }}
    inner join flows on {{ is_of_series('flows', 'items', cell + ['flow']) }}

)

select
    reporter,
    period_start,
    source,
    vintage,
    value_type,
    max(case when flow = 'exports' then service end) as top_exports_service,
    max(case when flow = 'exports' then service_name_en end) as top_exports_service_name_en,
    max(case when flow = 'exports' then service_name_zh end) as top_exports_service_name_zh,
    max(case when flow = 'exports' then share_pct end) as top_exports_service_share_pct,
    max(case when flow = 'imports' then service end) as top_imports_service,
    max(case when flow = 'imports' then service_name_en end) as top_imports_service_name_en,
    max(case when flow = 'imports' then service_name_zh end) as top_imports_service_name_zh,
    max(case when flow = 'imports' then share_pct end) as top_imports_service_share_pct
from ranked
where item_rank = 1
group by reporter, period_start, source, vintage, value_type
