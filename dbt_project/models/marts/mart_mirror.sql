-- Two figures of one flow: that of `reporter`, and that of `partner` for the opposite flow.
with named_reporters as (

    select * from {{ ref('dim_economy') }}

),

named_partners as (

    select * from {{ ref('dim_economy') }}

),

named_services as (

    select * from {{ ref('dim_service') }}

),

statements as (

    select
        *,
        case flow when 'exports' then 'imports' when 'imports' then 'exports' end as opposite_flow
    from {{ ref('fct_bilateral_services_trade') }}
    where flow in ('exports', 'imports') and reporter <> partner

),

-- Within a source only values of one type and currency are compared. Two balanced values are not compared at all: the
-- publisher made them equal, and those of two sources differ by the editions of one table, not by what economies state.
pairs as (

    select
        stated.reporter,
        stated.partner,
        stated.frequency,
        stated.period_start,
        stated.period_end,
        stated.period_label,
        stated.service,
        stated.flow,
        stated.source as reporter_source,
        stated.vintage as reporter_vintage,
        stated.value_type as reporter_value_type,
        stated.currency as reporter_currency,
        stated.value_million as reporter_value,
        stated.value_million_double as reporter_value_million,
        stated.status as reporter_status,
        mirrored.source as partner_source,
        mirrored.vintage as partner_vintage,
        mirrored.value_type as partner_value_type,
        mirrored.currency as partner_currency,
        mirrored.value_million as partner_value,
        mirrored.value_million_double as partner_value_million,
        mirrored.status as partner_status,
        case
            when stated.currency <> mirrored.currency then 'currencies differ'
            when stated.value_million + mirrored.value_million = 0 then 'sum is zero'
            when stated.value_million < 0 or mirrored.value_million < 0 then 'a value is negative'
        end as reason
    from statements as stated
    inner join statements as mirrored
        on
            stated.reporter = mirrored.partner
            and stated.partner = mirrored.reporter
            and stated.service = mirrored.service
            and stated.flow = mirrored.opposite_flow
            and {{ is_same_period('stated', 'mirrored') }}
    where
        (stated.value_type <> 'balanced' or mirrored.value_type <> 'balanced')
        and (
            stated.source <> mirrored.source
            or (stated.value_type = mirrored.value_type and stated.currency = mirrored.currency)
        )

),

compared as (

    select
        *,
        case when reporter_currency = partner_currency then {{ to_double('reporter_value - partner_value') }} end as difference_million,
        case when reason is null then {{ to_double('reporter_value + partner_value') }} end as sum_million
    from pairs

),

-- Two amounts in dollars are of one currency, so that what is true of them is true of the amounts in dollars.
converted as (

    select
        *,
        abs(difference_million) / (sum_million / 2) as asymmetry_index
    from compared

)

select
    converted.reporter,
    named_reporters.name_en as reporter_name_en,
    named_reporters.name_zh as reporter_name_zh,
    named_reporters.economy_type as reporter_type,
    converted.partner,
    named_partners.name_en as partner_name_en,
    named_partners.name_zh as partner_name_zh,
    named_partners.economy_type as partner_type,
    converted.frequency,
    converted.period_start,
    converted.period_end,
    converted.period_label,
    converted.service,
    named_services.name_en as service_name_en,
    named_services.name_zh as service_name_zh,
    named_services.level as service_level,
    named_services.is_main_item,
    converted.flow,
    converted.reporter_source,
    reporter_sources.title_en as reporter_source_name,
    converted.reporter_vintage,
    converted.reporter_value_type,
    converted.reporter_currency,
    converted.reporter_value_million,
    converted.reporter_status,
    converted.partner_source,
    partner_sources.title_en as partner_source_name,
    converted.partner_vintage,
    converted.partner_value_type,
    converted.partner_currency,
    converted.partner_value_million,
    converted.partner_status,
    converted.reporter_value_type = converted.partner_value_type as is_same_value_type,
    converted.difference_million,
    converted.asymmetry_index,
    converted.reason,
    {{ in_usd('converted.reporter_value_million', 'converted.reporter_currency') }} as reporter_value_usd_million,
    {{ in_usd('converted.partner_value_million', 'converted.partner_currency') }} as partner_value_usd_million,
    {{ in_usd('converted.difference_million', 'converted.reporter_currency') }} as difference_usd_million,
    {{ in_usd('converted.asymmetry_index', 'converted.reporter_currency') }} as asymmetry_index_usd,
    {{ reason_without_usd('converted.reporter_currency', 'converted.partner_currency') }} as usd_reason
from converted
left join named_reporters on converted.reporter = named_reporters.economy
left join named_partners on converted.partner = named_partners.economy
left join named_services on converted.service = named_services.service
left join {{ ref('dim_source') }} as reporter_sources on converted.reporter_source = reporter_sources.source
left join {{ ref('dim_source') }} as partner_sources on converted.partner_source = partner_sources.source
