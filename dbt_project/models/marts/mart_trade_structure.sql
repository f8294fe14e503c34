with trade as (

    select * from {{ ref('fct_services_trade') }}
    where flow in ('exports', 'imports')

),

services as (

    select * from {{ ref('dim_service') }}

),

precedence as (

    select * from {{ ref('source_precedence') }}

),

totals as (

    select * from trade
    where service = 'S'

),

preferences as (

    select
        trade.source,
        trade.reporter,
        trade.frequency,
        trade.period_start,
        trade.period_end,
        trade.currency,
        trade.value_type,
        trade.service,
        trade.flow,
        row_number() over (
            partition by
                trade.reporter, trade.frequency, trade.period_start, trade.period_end, trade.service, trade.flow
            order by precedence.priority
        ) as preference
    from trade
    inner join precedence
        on
            trade.source = precedence.source
            and trade.currency = precedence.currency
            and trade.value_type = precedence.value_type

)

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
    trade.service,
    services.name_en as service_name_en,
    services.name_zh as service_name_zh,
    services.is_knowledge_intensive,
    services.is_digitally_deliverable,
    trade.flow,
    {{ to_double('trade.value_million') }} as value_million,
    {{ ratio_pct('trade.value_million', 'totals.value_million') }} as share_pct,
    {{ growth_pct('trade.value_million', 'previous.value_million') }} as growth_pct,
    coalesce(preferences.preference = 1, false) as is_preferred
from trade
left join services on trade.service = services.service
left join totals
    on
        trade.source = totals.source
        and trade.reporter = totals.reporter
        and trade.frequency = totals.frequency
        and trade.period_start = totals.period_start
        and trade.period_end = totals.period_end
        and trade.currency = totals.currency
        and trade.value_type = totals.value_type
        and trade.flow = totals.flow
left join trade as previous
    on
        {{ is_same_period_of_previous_year('previous', 'trade') }}
        and previous.value_type = trade.value_type
        and previous.service = trade.service
        and previous.flow = trade.flow
left join preferences
    on
        trade.source = preferences.source
        and trade.reporter = preferences.reporter
        and trade.frequency = preferences.frequency
        and trade.period_start = preferences.period_start
        and trade.period_end = preferences.period_end
        and trade.currency = preferences.currency
        and trade.value_type = preferences.value_type
        and trade.service = preferences.service
        and trade.flow = preferences.flow
