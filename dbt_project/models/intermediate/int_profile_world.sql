-- The compiler's table is preferred, but only a table of all economies has a world.
with shares as (

    select * from {{ ref('mart_trade_scale') }}
    where
        frequency = 'A'
        and currency = 'USD'
        and world_total_share_pct is not null

),

ranked as (

    select
        shares.*,
        row_number() over (
            partition by shares.reporter, shares.period_start
            order by case when shares.is_preferred then 0 else 1 end, precedence.priority
        ) as preference
    from shares
    inner join {{ ref('source_precedence') }} as precedence
        on
            shares.source = precedence.source
            and shares.currency = precedence.currency
            and shares.value_type = precedence.value_type

)

select
    reporter,
    period_start,
    source,
    vintage,
    value_type,
    world_export_share_pct,
    world_import_share_pct,
    world_total_share_pct,
    world_rank,
    economies_ranked,
    world_coverage_pct
from ranked
where preference = 1
