-- One kind of value of each source that publishes dollars: a gap between publishers is not one of exchange rates.
with totals as (

    select
        scale.reporter,
        scale.period_start,
        scale.source,
        scale.value_type,
        scale.total_million,
        row_number() over (
            partition by scale.reporter, scale.period_start, scale.source order by precedence.priority
        ) as preference
    from {{ ref('mart_trade_scale') }} as scale
    inner join {{ ref('source_precedence') }} as precedence
        on
            scale.source = precedence.source
            and scale.currency = precedence.currency
            and scale.value_type = precedence.value_type
    where
        scale.frequency = 'A'
        and scale.currency = 'USD'
        and scale.total_million is not null

)

select
    reporter,
    period_start,
    cast(count(*) as integer) as sources_counted,
    case
        when count(*) > 1 and min(total_million) + max(total_million) > 0
            then (max(total_million) - min(total_million)) / (max(total_million) + min(total_million)) * 200
    end as sources_gap_pct,
    case when count(*) > 1 then min(value_type) = max(value_type) end as is_gap_of_one_value_type
from totals
where preference = 1
group by reporter, period_start
