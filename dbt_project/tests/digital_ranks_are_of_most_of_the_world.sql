-- Fails on a rank of the world, a group or a balance; on a rank where the economies with a figure are less than 80 percent of the
-- world row of their source; on an economy without a rank where they are not; and on a rank that is not one more than the number
-- of larger economies.
with economies as (

    select
        mart.*,
        count(mart.value_million) over (
            partition by
                mart.source, mart.group_service, mart.flow, mart.frequency, mart.period_start, mart.period_end, mart.currency,
                mart.value_type
            order by mart.value_million desc
            range between unbounded preceding and current row
        ) as not_smaller,
        count(mart.value_million) over (
            partition by
                mart.source, mart.group_service, mart.flow, mart.frequency, mart.period_start, mart.period_end, mart.currency,
                mart.value_type, mart.value_million
        ) as equal,
        sum(mart.world_share_pct) over (
            partition by
                mart.source, mart.group_service, mart.flow, mart.frequency, mart.period_start, mart.period_end, mart.currency,
                mart.value_type
        ) as world_share_of_economies
    from {{ ref('mart_digital_trade') }} as mart
    inner join {{ ref('dim_economy') }} as dimension on mart.reporter = dimension.economy
    where dimension.economy_type in ('economy', 'dissolved') and mart.flow <> 'balance'

),

ranked as (

    select
        source,
        reporter,
        period_label,
        group_service,
        flow,
        world_rank
    from {{ ref('mart_digital_trade') }}
    where world_rank is not null

)

select
    economies.source,
    economies.reporter,
    economies.period_label,
    economies.group_service,
    economies.flow,
    economies.world_rank
from economies
where
    (economies.world_rank is not null) <> coalesce(economies.world_share_of_economies >= 80, false)
    or economies.world_rank <> economies.not_smaller - economies.equal + 1
union all
select ranked.*
from ranked
left join economies
    on
        ranked.source = economies.source
        and ranked.reporter = economies.reporter
        and ranked.period_label = economies.period_label
        and ranked.group_service = economies.group_service
        and ranked.flow = economies.flow
where economies.source is null
