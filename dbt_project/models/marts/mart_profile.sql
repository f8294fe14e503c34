-- What the preferred source does not state is borrowed from another source, which the row names.
with scale as (

    select * from {{ ref('mart_trade_scale') }}
    where
        frequency = 'A'
        and currency = 'USD'
        and is_preferred

),

economies as (

    select * from {{ ref('dim_economy') }}
    where economy_type in {{ economy_types() }}

),

indices as (

    select * from {{ ref('mart_competitiveness') }}
    where
        frequency = 'A'
        and currency = 'USD'
        and service = 'S'

),

{% for part in ['world', 'items', 'partner', 'digital'] %}
    {{ part }} as (

        select * from {{ ref('int_profile_' ~ part) }}

    ),

{% endfor %}

sources as (

    select * from {{ ref('int_profile_sources') }}

),

named_sources as (

    select * from {{ ref('dim_source') }}

)

select
    scale.reporter,
    scale.reporter_name_en,
    scale.reporter_name_zh,
    scale.frequency,
    scale.period_start,
    scale.period_end,
    scale.period_label,
    scale.currency,
    scale.source,
    named_sources.title_en as source_name,
    scale.value_type,
    scale.vintage,
    greatest(
        scale.vintage,
        coalesce(world.vintage, ''),
        coalesce(items.vintage, ''),
        coalesce(partner.vintage, ''),
        coalesce(digital.vintage, '')
    ) as latest_vintage,

    scale.exports_million,
    scale.imports_million,
    scale.total_million,
    scale.balance_million,
    scale.exports_growth_pct,
    scale.imports_growth_pct,
    scale.total_growth_pct,
    scale.is_exports_small_base,
    scale.is_imports_small_base,
    scale.is_small_base,
    scale.exports_status,
    scale.imports_status,
    scale.total_status,
    scale.services_share_of_trade_pct,
    scale.openness_pct,
    own_indices.tc,

    world.source as world_source,
    world.world_export_share_pct,
    world.world_import_share_pct,
    world.world_total_share_pct,
    world.world_rank,
    world.economies_ranked,
    world.world_coverage_pct,

    items.source as items_source,
    items.top_exports_service,
    items.top_exports_service_name_en,
    items.top_exports_service_name_zh,
    items.top_exports_service_share_pct,
    items.top_imports_service,
    items.top_imports_service_name_en,
    items.top_imports_service_name_zh,
    items.top_imports_service_share_pct,
    items_indices.hhi_services,

    partner.source as partner_source,
    partner.top_exports_partner,
    partner.top_exports_partner_name_en,
    partner.top_exports_partner_name_zh,
    partner.top_exports_partner_share_pct,
    partner.top_imports_partner,
    partner.top_imports_partner_name_en,
    partner.top_imports_partner_name_zh,
    partner.top_imports_partner_share_pct,
    partner_indices.hhi_partners,

    digital.source as digital_source,
    digital.digital_exports_share_pct,
    digital.digital_imports_share_pct,

    coalesce(sources.sources_counted, 0) as sources_counted,
    sources.sources_gap_pct,
    sources.is_gap_of_one_value_type,
    scale.openness_reason,
    case when world.source is null then 'no source states a world total' end as world_reason,
    case when items.source is null then 'no source states most items' end as items_reason,
    case when partner.source is null then 'no source names most partners' end as partner_reason,
    case when digital.source is null then 'no source states digital services and their total' end as digital_reason
from scale
inner join economies on scale.reporter = economies.economy
left join named_sources on scale.source = named_sources.source
{% for part in ['world', 'items', 'partner', 'digital'] %}
    left join {{ part }} on scale.reporter = {{ part }}.reporter and scale.period_start = {{ part }}.period_start
{% endfor %}
left join sources on scale.reporter = sources.reporter and scale.period_start = sources.period_start
{% for relation, origin in [('own_indices', 'scale'), ('items_indices', 'items'), ('partner_indices', 'partner')] %}
    left join indices as {{ relation }}
        on
            {{ origin }}.source = {{ relation }}.source
            and {{ origin }}.value_type = {{ relation }}.value_type
            and {{ origin }}.reporter = {{ relation }}.reporter
            and {{ origin }}.period_start = {{ relation }}.period_start
{% endfor %}
order by scale.reporter, scale.period_start
