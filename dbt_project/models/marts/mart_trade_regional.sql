with named_sources as (

    select * from {{ ref('dim_source') }}

),

named_reporters as (

    select * from {{ ref('dim_economy') }}

),

trade as (

    select * from {{ ref('int_regional_trade') }}

),

value_added as (

    select * from {{ ref('int_regional_value_added') }}

),

regions as (

    select * from {{ ref('dim_region') }}

),

-- a total or balance of the country is the printed one, or follows from its exports and imports
countries as (

    select * from {{ ref('int_trade_by_cell') }}
    where service = 'S'

),

printed as (

    select * from {{ ref('fct_indicator') }}
    where partner = 'WLD' and region is not null and unit = 'pct'

)

select
    trade.source,
    named_sources.title_en as source_name,
    trade.vintage,
    trade.reporter,
    named_reporters.name_en as reporter_name_en,
    named_reporters.name_zh as reporter_name_zh,
    trade.region,
    regions.name_en as region_name_en,
    regions.name_zh as region_name_zh,
    regions.region_type,
    trade.frequency,
    trade.period_start,
    trade.period_end,
    trade.period_label,
    trade.flow,
    trade.currency,
    trade.value_type,
    trade.status,
    {{ to_double('trade.value_million') }} as value_million,
    case
        when trade.flow <> 'balance'
            then {{ ratio_pct('trade.value_million', amount_of_flow('trade.flow', 'countries')) }}
    end as share_pct,
    case
        when trade.flow = 'balance' then 'a balance has no share'
        when trade.value_million is null then 'no amount'
        when {{ amount_of_flow('trade.flow', 'countries') }} is null then 'the source states no total of the country'
        when {{ amount_of_flow('trade.flow', 'countries') }} = 0 then 'the total of the country is zero'
    end as share_reason,
    {{ to_double('printed_share.value') }} as published_share_pct,
    case
        when trade.flow <> 'balance'
            then {{ growth_pct('trade.value_million', 'previous.value_million') }}
    end as growth_pct,
    {{ to_double('printed_growth.value') }} as published_growth_pct,
    value_added.services_value_added_share_pct,
    case
        when value_added.services_value_added_share_pct is null then 'no accounts of the province are loaded for the period'
    end as value_added_reason,
    cast(
        case when trade.members_expected is not null then coalesce(trade.members_counted, 0) end as integer
    ) as members_counted,
    cast(trade.members_expected as integer) as members_expected,
    trade.basis
from trade
left join named_sources on trade.source = named_sources.source
left join named_reporters on trade.reporter = named_reporters.economy
left join regions on trade.region = regions.region
left join countries on {{ is_same_cell('trade', 'countries') }}
left join trade as previous
    on
        {{ is_same_period_of_previous_year('previous', 'trade') }}
        and previous.region = trade.region
        and previous.flow = trade.flow
        -- a published figure and a sum are not one series
        and previous.basis = trade.basis
-- a share is a pure number: the currency of the accounts need not be that of the trade
left join value_added
    on
        trade.reporter = value_added.reporter
        and trade.region = value_added.region
        and {{ is_same_period('trade', 'value_added') }}
left join printed as printed_share
    on
        {{ is_printed_of('printed_share', 'trade') }}
        and printed_share.region = trade.region
        and printed_share.indicator = {{ printed_indicator('share', "'S'", 'trade.flow') }}
left join printed as printed_growth
    on
        {{ is_printed_of('printed_growth', 'trade') }}
        and printed_growth.region = trade.region
        and printed_growth.indicator = {{ printed_indicator('growth', "'S'", 'trade.flow', 'trade.currency') }}
order by
    trade.source, trade.region, trade.flow, trade.frequency, trade.period_start, trade.period_end, trade.currency,
    trade.value_type
