{{ config(by_source=['fct_revision']) }}
with named_sources as (

    select * from {{ ref('dim_source') }}

),

named_reporters as (

    select * from {{ ref('dim_economy') }}

),

named_partners as (

    select * from {{ ref('dim_economy') }}

),

named_regions as (

    select * from {{ ref('dim_region') }}

),

named_services as (

    select * from {{ ref('dim_service') }}

),

revisions as (

    select * from {{ ref('fct_revision') }}

)

select
    revisions.source,
    named_sources.title_en as source_name,
    revisions.series,
    revisions.reporter,
    named_reporters.name_en as reporter_name_en,
    named_reporters.name_zh as reporter_name_zh,
    revisions.partner,
    named_partners.name_en as partner_name_en,
    named_partners.name_zh as partner_name_zh,
    revisions.region,
    named_regions.name_en as region_name_en,
    named_regions.name_zh as region_name_zh,
    revisions.service,
    named_services.name_en as service_name_en,
    named_services.name_zh as service_name_zh,
    revisions.flow,
    revisions.indicator,
    revisions.frequency,
    revisions.period_start,
    revisions.period_end,
    revisions.period_label,
    revisions.currency,
    revisions.unit,
    revisions.value_type,
    revisions.previous_vintage,
    revisions.vintage,
    {{ to_double('revisions.previous_value') }} as previous_value,
    {{ to_double('revisions.value') }} as value,
    {{ to_double('revisions.change') }} as change,
    revisions.change_pct,
    revisions.kind
from revisions
left join named_sources on revisions.source = named_sources.source
left join named_reporters on revisions.reporter = named_reporters.economy
left join named_partners on revisions.partner = named_partners.economy
left join named_regions on revisions.region = named_regions.region
left join named_services on revisions.service = named_services.service
