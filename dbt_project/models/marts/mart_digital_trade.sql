with trade as (

    select * from {{ ref('fct_services_trade') }}
    where flow in ('exports', 'imports', 'total')

),

services as (

    select * from {{ ref('dim_service') }}

),

economies as (

    select * from {{ ref('dim_economy') }}

),

members as (

    select
        group_service,
        service,
        count(*) over (partition by group_service) as members_expected
    from {{ ref('service_group_member') }}
    where group_service in ('DDS', 'KIS')

),

published as (

    select
        source,
        vintage,
        reporter,
        frequency,
        period_start,
        period_end,
        period_label,
        currency,
        value_type,
        service as group_service,
        flow,
        value_million
    from trade
    where service in ('DDS', 'KIS')

),

summed as (

    select
        trade.source,
        trade.vintage,
        trade.reporter,
        trade.frequency,
        trade.period_start,
        trade.period_end,
        trade.period_label,
        trade.currency,
        trade.value_type,
        members.group_service,
        trade.flow,
        cast(sum(trade.value_million) as decimal(38, 18)) as value_million
    from trade
    inner join members on trade.service = members.service
    where trade.flow in ('exports', 'imports')
    group by
        trade.source, trade.vintage, trade.reporter, trade.frequency, trade.period_start, trade.period_end,
        trade.period_label, trade.currency, trade.value_type, members.group_service, trade.flow
    having
        count(distinct trade.service) = max(members.members_expected)
        and count(*) = max(members.members_expected)

),

-- what a publisher prints itself comes before what can be summed from its items
flows as (

    select
        *,
        true as is_of_published,
        true as is_published
    from published

    union all

    select
        summed.*,
        false as is_of_published,
        false as is_published
    from summed
    left join published
        on
            {{ is_same_cell('summed', 'published') }}
            and summed.group_service = published.group_service
            and summed.flow = published.flow
    where published.source is null

),

both_flows as (

    select
        source,
        vintage,
        reporter,
        frequency,
        period_start,
        period_end,
        period_label,
        currency,
        value_type,
        group_service,
        'total' as flow,
        cast(sum(value_million) as decimal(38, 18)) as value_million,
        is_of_published,
        false as is_published
    from flows
    where flow in ('exports', 'imports')
    group by
        source, vintage, reporter, frequency, period_start, period_end, period_label, currency, value_type,
        group_service, is_of_published
    having count(*) = 2

),

amounts as (

    select * from flows

    union all

    select both_flows.*
    from both_flows
    left join published
        on
            {{ is_same_cell('both_flows', 'published') }}
            and both_flows.group_service = published.group_service
            and published.flow = 'total'
    where published.source is null

),

services_flows as (

    select
        source,
        vintage,
        reporter,
        frequency,
        period_start,
        period_end,
        currency,
        value_type,
        max(case when flow = 'exports' then value_million end) as exports,
        max(case when flow = 'imports' then value_million end) as imports,
        max(case when flow = 'total' then value_million end) as published_total
    from trade
    where service = 'S'
    group by source, vintage, reporter, frequency, period_start, period_end, currency, value_type

),

all_services as (

    select
        *,
        coalesce(published_total, exports + imports) as total
    from services_flows

),

with_wholes as (

    select
        amounts.*,
        case amounts.flow
            when 'exports' then all_services.exports
            when 'imports' then all_services.imports
            when 'total' then all_services.total
        end as services_million
    from amounts
    left join all_services on {{ is_same_cell('amounts', 'all_services') }}

)

select
    with_wholes.source,
    with_wholes.vintage,
    with_wholes.reporter,
    economies.name_en as reporter_name_en,
    economies.name_zh as reporter_name_zh,
    with_wholes.frequency,
    with_wholes.period_start,
    with_wholes.period_end,
    with_wholes.period_label,
    with_wholes.currency,
    with_wholes.value_type,
    with_wholes.group_service,
    services.name_en as group_name_en,
    services.name_zh as group_name_zh,
    services.definition,
    services.source_url as definition_source_url,
    with_wholes.flow,
    {{ to_double('with_wholes.value_million') }} as value_million,
    {{ ratio_pct('with_wholes.value_million', 'with_wholes.services_million') }} as share_of_services_pct,
    {{ growth_pct('with_wholes.value_million', 'previous.value_million') }} as growth_pct,
    with_wholes.is_published
from with_wholes
left join services on with_wholes.group_service = services.service
left join economies on with_wholes.reporter = economies.economy
left join amounts as previous
    on
        {{ is_same_period_of_previous_year('previous', 'with_wholes') }}
        and previous.value_type = with_wholes.value_type
        and previous.group_service = with_wholes.group_service
        and previous.flow = with_wholes.flow
        and previous.is_of_published = with_wholes.is_of_published
