{{ config(materialized='table') }}

with parts as (

    select * from {{ ref('int_claim_parts') }}

),

economies as (

    select * from {{ ref('dim_economy') }}

),

amounts as (

    select
        amount_key,
        source,
        vintage,
        value_type,
        currency,
        reporter,
        scope_partner as partner,
        scope_region as region,
        scope_item as item,
        scope_flow as flow,
        period_year,
        max(members) as members,
        max(is_summed) = 1 as is_summed,
        cast(sum(case sign when 1 then value when -1 then -value end) as decimal(38, 18)) as amount
    from parts
    group by
        amount_key, source, vintage, value_type, currency, reporter, scope_partner, scope_region, scope_item, scope_flow, period_year

),

ranked as (

    select
        amounts.amount_key,
        rank() over (
            partition by
                amounts.source, amounts.vintage, amounts.value_type, amounts.currency, amounts.item, amounts.flow, amounts.period_year
            order by amounts.amount desc
        ) as world_rank,
        count(*) over (
            partition by
                amounts.source, amounts.vintage, amounts.value_type, amounts.currency, amounts.item, amounts.flow, amounts.period_year
        ) as economies_ranked
    from amounts
    inner join economies on amounts.reporter = economies.economy
    where amounts.partner = 'WLD' and amounts.region = '-' and economies.economy_type in ('economy', 'dissolved')

)

select
    amounts.*,
    ranked.world_rank,
    ranked.economies_ranked
from amounts
left join ranked on amounts.amount_key = ranked.amount_key
