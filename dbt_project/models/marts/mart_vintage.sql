{{ config(by_source=['int_estimate']) }}
with estimates as (

    select * from {{ ref('int_estimate') }}

),

named_economies as (

    select * from {{ ref('dim_economy') }}

),

named_regions as (

    select * from {{ ref('dim_region') }}

),

named_services as (

    select * from {{ ref('dim_service') }}

),

named_sources as (

    select * from {{ ref('dim_source') }}

)

select
    estimates.source,
    named_sources.title_en as source_name,
    estimates.series,
    estimates.reporter,
    reporters.name_en as reporter_name_en,
    reporters.name_zh as reporter_name_zh,
    estimates.partner,
    partners.name_en as partner_name_en,
    partners.name_zh as partner_name_zh,
    estimates.region,
    named_regions.name_en as region_name_en,
    named_regions.name_zh as region_name_zh,
    estimates.service,
    named_services.name_en as service_name_en,
    named_services.name_zh as service_name_zh,
    named_services.level as service_level,
    estimates.indicator,
    estimates.flow,
    estimates.frequency,
    estimates.period_start,
    estimates.period_end,
    {{ period_label('estimates.frequency', 'estimates.period_start', 'estimates.period_end') }} as period_label,
    estimates.currency,
    estimates.unit,
    estimates.value_type,
    estimates.vintage,
    estimates.known_from,
    estimates.until_vintage,
    cast(estimates.vintage_number as integer) as vintage_number,
    cast(estimates.estimate_number as integer) as estimate_number,
    estimates.estimate_number = 1 as is_first,
    estimates.until_vintage is null as is_latest,
    cast({{ dbt.datediff('estimates.period_end', 'estimates.known_from', 'day') }} as integer) as age_days,
    {{ to_double('estimates.value') }} as value,
    {{ to_double('estimates.previous_value') }} as previous_year_value,
    estimates.growth_pct,
    {{ to_double('estimates.total_value') }} as total_value,
    estimates.share_pct
from estimates
left join named_sources on estimates.source = named_sources.source
left join named_economies as reporters on estimates.reporter = reporters.economy
left join named_economies as partners on estimates.partner = partners.economy
left join named_regions on estimates.region = named_regions.region
left join named_services on estimates.service = named_services.service
order by
    estimates.source, estimates.reporter, estimates.partner, estimates.region, estimates.service, estimates.indicator,
    estimates.flow, estimates.frequency, estimates.period_start, estimates.period_end, estimates.currency, estimates.unit,
    estimates.value_type, estimates.vintage
