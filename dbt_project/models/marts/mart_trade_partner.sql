with trade as (

    select * from {{ ref('fct_bilateral_services_trade') }}

),

economies as (

    select * from {{ ref('dim_economy') }}

),

-- the reporter's world figure of the same source; a sum of partners would count groups and miss unnamed partners
worlds as (

    select * from {{ ref('fct_services_trade') }}
    where indicator is null

),

-- one window for all ranks: economies in one partition, groups and residuals in another
ranked as (

    select
        trade.*,
        economies.name_en as partner_name_en,
        economies.name_zh as partner_name_zh,
        case
            when economies.economy_type in ('economy', 'dissolved') and trade.flow <> 'balance'
                then rank() over (
                    partition by
                        trade.source, trade.reporter, trade.service, trade.flow, trade.frequency,
                        trade.period_start, trade.period_end, trade.currency, trade.value_type,
                        coalesce(economies.economy_type in ('economy', 'dissolved'), false)
                    order by trade.value_million desc
                )
        end as partner_rank
    from trade
    left join economies on trade.partner = economies.economy

)

select
    ranked.source,
    ranked.vintage,
    ranked.reporter,
    ranked.partner,
    ranked.partner_name_en,
    ranked.partner_name_zh,
    ranked.frequency,
    ranked.period_label,
    ranked.currency,
    ranked.value_type,
    ranked.service,
    ranked.flow,
    {{ to_double('ranked.value_million') }} as value_million,
    {{ ratio_pct('ranked.value_million', 'worlds.value_million') }} as share_pct,
    case
        when ranked.flow <> 'balance'
            then {{ growth_pct('ranked.value_million', 'previous.value_million') }}
    end as growth_pct,
    cast(ranked.partner_rank as integer) as partner_rank
from ranked
left join worlds
    on
        {{ is_same_cell('ranked', 'worlds') }}
        and ranked.service = worlds.service
        and ranked.flow = worlds.flow
left join trade as previous
    on
        {{ is_same_period_of_previous_year('previous', 'ranked') }}
        and previous.partner = ranked.partner
        and previous.service = ranked.service
        and previous.flow = ranked.flow
