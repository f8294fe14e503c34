with trade as (

    select * from {{ ref('fct_services_trade') }}

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

ranked as (

    select
        trade.*,
        precedence.priority,
        row_number() over (
            partition by
                trade.reporter, trade.frequency, trade.period_start, trade.period_end, trade.service, trade.flow
            order by precedence.priority nulls last
        ) as preference
    from trade
    left join precedence
        on
            trade.source = precedence.source
            and trade.currency = precedence.currency
            and trade.value_type = precedence.value_type

)

select
    {{ reporter_cell_columns('ranked') }},
    ranked.status,
    ranked.service,
    services.name_en as service_name_en,
    services.name_zh as service_name_zh,
    services.is_knowledge_intensive,
    services.is_digitally_deliverable,
    ranked.flow,
    {{ to_double('ranked.value_million') }} as value_million,
    {{ ratio_pct('ranked.value_million', 'totals.value_million') }} as share_pct,
    {{ growth_pct('ranked.value_million', 'previous.value_million') }} as growth_pct,
    ranked.priority is not null and ranked.preference = 1 as is_preferred
from ranked
left join services on ranked.service = services.service
left join totals
    on
        {{ is_same_cell('ranked', 'totals') }}
        and ranked.flow = totals.flow
left join trade as previous
    on
        {{ is_same_period_of_previous_year('previous', 'ranked') }}
        and previous.service = ranked.service
        and previous.flow = ranked.flow
