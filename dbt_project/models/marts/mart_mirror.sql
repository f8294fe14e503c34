{{ config(part_by='service', part_of='fct_bilateral_services_trade') }}
-- Two figures of one flow: that of `reporter`, and that of `partner` for the opposite flow.
-- Over 150 lines, since each side has its columns.
with statements as (

    select
        trade.*,
        sources.publisher,
        case trade.flow when 'exports' then 'imports' when 'imports' then 'exports' end as opposite_flow,
        rates.rate,
        rates.rate_source,
        rates.rate_vintage
    from {{ ref('fct_bilateral_services_trade') }} as trade
    left join {{ ref('dim_source') }} as sources on trade.source = sources.source
    left join {{ ref('int_exchange_rate') }} as rates on {{ is_same_period_and_currency('trade', 'rates') }}
    where trade.flow in ('exports', 'imports') and trade.reporter <> trade.partner and {{ is_in_part('trade.service') }}

),

-- Two tables of one publisher are one statement; within a table only values of one type and currency are compared. Two
-- balanced values are not compared at all: the publisher made them equal.
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
        stated.rate as reporter_rate,
        stated.rate_source as reporter_rate_source,
        stated.rate_vintage as reporter_rate_vintage,
        mirrored.source as partner_source,
        mirrored.vintage as partner_vintage,
        mirrored.value_type as partner_value_type,
        mirrored.currency as partner_currency,
        mirrored.value_million as partner_value,
        mirrored.value_million_double as partner_value_million,
        mirrored.status as partner_status,
        mirrored.rate as partner_rate,
        mirrored.rate_source as partner_rate_source,
        mirrored.rate_vintage as partner_rate_vintage,
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
            stated.publisher <> mirrored.publisher
            or (stated.source = mirrored.source and stated.value_type = mirrored.value_type and stated.currency = mirrored.currency)
        )

),

compared as (

    select
        *,
        case when reporter_currency = partner_currency then {{ to_double('reporter_value - partner_value') }} end as difference_million,
        case when reason is null then {{ to_double('reporter_value + partner_value') }} end as sum_million,
        {{ in_usd('reporter_value', 'reporter_currency', 'reporter_rate') }} as reporter_usd,
        {{ in_usd('partner_value', 'partner_currency', 'partner_rate') }} as partner_usd
    from pairs

),

-- in one currency the difference is converted, and not two rounded amounts
converted as (

    select
        *,
        abs(difference_million) / (sum_million / 2) as asymmetry_index,
        case
            when reporter_currency = partner_currency
                then {{ in_usd('(reporter_value - partner_value)', 'reporter_currency', 'reporter_rate') }}
            else reporter_usd - partner_usd
        end as difference_usd
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
    converted.reporter_usd as reporter_value_usd_million,
    converted.partner_usd as partner_value_usd_million,
    converted.difference_usd as difference_usd_million,
    case
        when converted.reporter_usd >= 0 and converted.partner_usd >= 0 and converted.reporter_usd + converted.partner_usd > 0
            then coalesce(converted.asymmetry_index, abs(converted.difference_usd) / (converted.reporter_usd + converted.partner_usd) * 2)
    end as asymmetry_index_usd,
    {{ reason_without_usd('converted.frequency', [
        ('converted.reporter_currency', 'converted.reporter_rate'), ('converted.partner_currency', 'converted.partner_rate')
    ]) }} as usd_reason,
    {{ to_double('converted.reporter_rate') }} as reporter_rate_per_usd,
    converted.reporter_rate_source,
    converted.reporter_rate_vintage,
    {{ to_double('converted.partner_rate') }} as partner_rate_per_usd,
    converted.partner_rate_source,
    converted.partner_rate_vintage
from converted
left join {{ ref('dim_economy') }} as named_reporters on converted.reporter = named_reporters.economy
left join {{ ref('dim_economy') }} as named_partners on converted.partner = named_partners.economy
left join {{ ref('dim_service') }} as named_services on converted.service = named_services.service
left join {{ ref('dim_source') }} as reporter_sources on converted.reporter_source = reporter_sources.source
left join {{ ref('dim_source') }} as partner_sources on converted.partner_source = partner_sources.source
