with structure as (

    select * from {{ ref('mart_trade_structure') }}
    where frequency = 'A' and currency = 'USD' and is_preferred and flow in ('exports', 'imports') and value_million is not null

),

economies as (

    select * from {{ ref('dim_economy') }}
    where economy_type in {{ economy_types() }}

),

-- the parts of all services: no total, no part of a part, no group that a publisher derives
services as (

    select * from {{ ref('dim_service') }}
    where parent_service = 'S' and not is_derived

),

sources as (

    select * from {{ ref('dim_source') }}

)

select
    structure.reporter,
    economies.name_en as reporter_name_en,
    economies.name_zh as reporter_name_zh,
    structure.service,
    structure.service_name_en,
    structure.service_name_zh,
    structure.is_knowledge_intensive,
    structure.is_digitally_deliverable,
    structure.flow,
    structure.period_start,
    structure.period_end,
    structure.period_label,
    structure.value_million as value_usd_million,
    structure.share_pct,
    structure.growth_pct,
    structure.is_small_base,
    structure.status,
    structure.value_type,
    structure.source,
    sources.title_en as source_name,
    structure.vintage,
    {{ is_source_break('structure', ['reporter', 'service', 'flow']) }} as is_source_break
from structure
inner join economies on structure.reporter = economies.economy
inner join services on structure.service = services.service
inner join sources on structure.source = sources.source
order by structure.reporter, structure.flow, structure.service, structure.period_start
