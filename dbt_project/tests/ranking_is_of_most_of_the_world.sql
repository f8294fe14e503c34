-- Fails on a ranking of a source that has no world, of economies that are less than 80 % of the stated world in core or fewer than
-- 50 of a summed one, on a row of a group, residual or the world, and on a ranking that is missing where they are.
with economies as (

    select * from {{ ref('dim_economy') }}
    where economy_type in ('economy', 'dissolved')

),

facts as (

    select * from {{ ref('fct_services_trade') }}
    where frequency = 'A' and flow in ('exports', 'imports') and value_million is not null

),

worlds as (

    select * from facts
    where reporter = 'WLD'

),

counted as (

    select
        facts.source,
        facts.service,
        facts.flow,
        facts.period_label,
        facts.currency,
        facts.value_type,
        count(*) as economies_counted,
        sum(facts.value_million) as value_million
    from facts
    inner join economies on facts.reporter = economies.economy
    group by facts.source, facts.service, facts.flow, facts.period_label, facts.currency, facts.value_type

),

rankable as (

    select counted.*
    from counted
    inner join {{ ref('dim_source') }} as sources on counted.source = sources.source
    left join worlds
        on
            counted.source = worlds.source
            and counted.service = worlds.service
            and counted.flow = worlds.flow
            and counted.period_label = worlds.period_label
            and counted.currency = worlds.currency
            and counted.value_type = worlds.value_type
    where
        (
            sources.world_basis = 'stated'
            and counted.economies_counted > 1
            and worlds.value_million > 0
            and counted.value_million / worlds.value_million >= 0.8
        )
        or (sources.world_basis = 'summed' and counted.economies_counted >= 50 and counted.value_million > 0)

),

ranked as (

    select
        mart.source,
        mart.service,
        mart.flow,
        mart.period_label,
        mart.currency,
        mart.value_type,
        count(*) as economies_ranked,
        count(case when economies.economy is null then 1 end) as others_ranked
    from {{ ref('mart_trade_ranking') }} as mart
    left join economies on mart.reporter = economies.economy
    where mart.flow <> 'total'
    group by mart.source, mart.service, mart.flow, mart.period_label, mart.currency, mart.value_type

)

select
    coalesce(ranked.source, rankable.source) as source,
    coalesce(ranked.service, rankable.service) as service,
    coalesce(ranked.flow, rankable.flow) as flow,
    coalesce(ranked.period_label, rankable.period_label) as period_label,
    ranked.economies_ranked,
    ranked.others_ranked,
    rankable.economies_counted
from ranked
full outer join rankable
    on
        ranked.source = rankable.source
        and ranked.service = rankable.service
        and ranked.flow = rankable.flow
        and ranked.period_label = rankable.period_label
        and ranked.currency = rankable.currency
        and ranked.value_type = rankable.value_type
where
    ranked.economies_ranked is distinct from rankable.economies_counted
    or ranked.others_ranked > 0
