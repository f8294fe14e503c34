{{ config(by_source=['int_published_rate', 'int_published_rate_computed']) }}
with rates as (

    select * from {{ ref('int_published_rate') }}

),

computed as (

    select * from {{ ref('int_published_rate_computed') }}

),

named_sources as (

    select * from {{ ref('dim_source') }}

),

economies as (

    select * from {{ ref('dim_economy') }}

),

regions as (

    select * from {{ ref('dim_region') }}

),

named_services as (

    select * from {{ ref('dim_service') }}

)

select
    rates.source,
    named_sources.title_en as source_name,
    rates.vintage,
    rates.reporter,
    reporters.name_en as reporter_name_en,
    reporters.name_zh as reporter_name_zh,
    reporters.economy_type as reporter_type,
    rates.partner,
    partners.name_en as partner_name_en,
    partners.name_zh as partner_name_zh,
    partners.economy_type as partner_type,
    rates.region,
    regions.name_en as region_name_en,
    regions.name_zh as region_name_zh,
    regions.region_type,
    rates.indicator,
    rates.indicator_name_en,
    rates.indicator_name_zh,
    rates.measure,
    rates.service,
    named_services.name_en as service_name_en,
    named_services.name_zh as service_name_zh,
    named_services.level as service_level,
    named_services.is_main_item,
    rates.flow,
    rates.frequency,
    rates.period_start,
    rates.period_end,
    rates.period_label,
    coalesce(rates.printed_currency, computed.currency) as currency,
    computed.value_type,
    rates.status,
    {{ to_double('rates.rate_pct') }} as published_rate_pct,
    computed.computed_rate_pct,
    computed.computed_rate_pct - {{ to_double('rates.rate_pct') }} as difference_pp,
    computed.rounding_pp,
    case
        when computed.rounding_pp <= {{ most_rounding_pp() }}
            then abs(computed.computed_rate_pct - {{ to_double('rates.rate_pct') }}) <= computed.rounding_pp + 0.000000001
    end as is_within_precision,
    case
        when computed.rounding_pp <= {{ most_rounding_pp() }} then null
        when computed.computed_rate_pct is not null then 'the amounts are too round to test the rate'
        when rates.measure is null then 'the seed printed_rate does not say what the rate is of'
        when rates.why_not is not null then rates.why_not
        when rates.measure = 'growth' and rates.is_of_years then 'growth of a span of years'
        when computed.amount_million is null then 'the source states no amount'
        when computed.base_million is null and rates.measure = 'growth' then 'the source states no amount of the previous year'
        when computed.base_million is null then 'the source states no amount of the whole'
        when rates.measure = 'growth' then 'the amount of the previous year is zero or negative'
        when rates.measure <> 'growth' then 'the whole is zero'
    end as reason,
    {{ to_double('computed.amount_million') }} as amount_million,
    computed.is_amount_published,
    computed.amount_status,
    {{ to_double('computed.base_million') }} as base_million,
    computed.is_base_published,
    computed.base_status
from rates
left join computed
    on
        rates.source = computed.source
        and rates.reporter = computed.reporter
        and rates.partner = computed.partner
        and rates.region is not distinct from computed.region
        and rates.indicator = computed.indicator
        and {{ is_same_period('rates', 'computed') }}
left join named_sources on rates.source = named_sources.source
left join economies as reporters on rates.reporter = reporters.economy
left join economies as partners on rates.partner = partners.economy
left join regions on rates.region = regions.region
left join named_services on rates.service = named_services.service
order by
    rates.source, rates.reporter, rates.partner, rates.region, rates.indicator, rates.frequency, rates.period_start,
    rates.period_end
