-- Fails on a rank of the world, a group, a reporter with one flow only or a source without a world row; on an economy
-- without a rank; and on a rank that is not one more than the number of larger economies.
with worlds as (

    select mart.*
    from {{ ref('mart_trade_scale') }} as mart
    inner join {{ ref('dim_source') }} as sources on mart.source = sources.source
    where mart.reporter = 'WLD' and sources.is_world_stated

),

scale as (

    select
        mart.*,
        economies.economy_type in ('economy', 'dissolved')
        and mart.total_million is not null
        and worlds.source is not null
            as is_rankable
    from {{ ref('mart_trade_scale') }} as mart
    left join worlds
        on
            mart.source = worlds.source
            and mart.period_label = worlds.period_label
            and mart.currency = worlds.currency
            and mart.value_type = worlds.value_type
    left join {{ ref('dim_economy') }} as economies on mart.reporter = economies.economy

)

select
    scale.source,
    scale.reporter,
    scale.period_label,
    scale.currency,
    scale.value_type,
    scale.world_rank,
    count(other.reporter) as economies_larger
from scale
left join scale as other
    on
        scale.source = other.source
        and scale.period_label = other.period_label
        and scale.currency = other.currency
        and scale.value_type = other.value_type
        and other.is_rankable
        and other.total_million > scale.total_million
group by
    scale.source, scale.reporter, scale.period_label, scale.currency, scale.value_type, scale.world_rank, scale.is_rankable
having
    (scale.world_rank is not null) <> coalesce(scale.is_rankable, false)
    or scale.world_rank <> count(other.reporter) + 1
