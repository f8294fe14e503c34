-- Fails on a rank of the world, a group, a reporter without the ranked amount, a source without a world row, or economies that
-- are less than 80 % of it; on an economy without a rank; and on a rank that is not one more than the number of larger
-- economies. By exports, imports and total.
with worlds as (

    select mart.*
    from {{ ref('mart_trade_scale') }} as mart
    inner join {{ ref('dim_source') }} as sources on mart.source = sources.source
    where mart.reporter = 'WLD' and sources.is_world_stated

),

scale as (

    {% for flow, rank in [('exports', 'world_export_rank'), ('imports', 'world_import_rank'), ('total', 'world_rank')] %}
        select
            mart.source,
            mart.reporter,
            mart.period_label,
            mart.currency,
            mart.value_type,
            '{{ flow }}' as flow,
            mart.{{ flow }}_million as amount,
            mart.{{ rank }} as found_rank,
            coalesce(
                economies.economy_type in ('economy', 'dissolved')
                and mart.{{ flow }}_million is not null
                and worlds.source is not null,
                false
            ) as is_economy,
            worlds.{{ flow }}_million as world_amount
        from {{ ref('mart_trade_scale') }} as mart
        left join worlds
            on
                mart.source = worlds.source
                and mart.period_label = worlds.period_label
                and mart.currency = worlds.currency
                and mart.value_type = worlds.value_type
        left join {{ ref('dim_economy') }} as economies on mart.reporter = economies.economy
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

covered as (

    select
        *,
        coalesce(
            is_economy
            and sum(case when is_economy then amount end) over (
                partition by source, period_label, currency, value_type, flow
            ) >= 0.8 * world_amount,
            false
        ) as is_rankable
    from scale

)

select
    scale.source,
    scale.reporter,
    scale.period_label,
    scale.currency,
    scale.value_type,
    scale.flow,
    scale.found_rank,
    count(other.reporter) as economies_larger
from covered as scale
left join covered as other
    on
        scale.source = other.source
        and scale.period_label = other.period_label
        and scale.currency = other.currency
        and scale.value_type = other.value_type
        and scale.flow = other.flow
        and other.is_rankable
        and other.amount > scale.amount
group by
    scale.source, scale.reporter, scale.period_label, scale.currency, scale.value_type, scale.flow, scale.found_rank,
    scale.is_rankable
having
    (scale.found_rank is not null) <> scale.is_rankable
    or scale.found_rank <> count(other.reporter) + 1
