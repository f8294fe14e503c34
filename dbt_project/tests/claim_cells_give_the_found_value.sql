-- Fails where the cells of bridge_claim_cell do not give the found value of mart_claim. Ranks need every economy and are left out.
with yearly as (

    select
        claim_id,
        claim_source,
        claim_vintage,
        extract(year from period_end) as period_year,
        max(unit) as unit,
        {% for role in ['numerator', 'denominator', 'world_numerator', 'world_denominator'] -%}
            sum(case when role = '{{ role }}' and sign = 1 then value when role = '{{ role }}' and sign = -1 then -value end) as {{ role }},
        {% endfor -%}
        count(*) as cells
    from {{ ref('bridge_claim_cell') }}
    group by claim_id, claim_source, claim_vintage, extract(year from period_end)

),

shares as (

    select
        *,
        {{ to_double('numerator') }} as amount,
        {{ ratio_pct('numerator', 'denominator') }} as share_pct,
        {{ ratio_pct('world_numerator', 'world_denominator') }} as world_share_pct
    from yearly

),

measured as (

    select
        *,
        case
            when world_denominator is not null then share_pct / world_share_pct
            when denominator is not null then share_pct
            when denominator is null then amount
        end as measure
    from shares

),

spans as (

    select
        measured.claim_id,
        measured.claim_source,
        measured.claim_vintage,
        claims.span_rule,
        max(measured.unit) as unit,
        max(measured.denominator) is null as is_amount,
        max(case when measured.period_year = claims.from_year then measured.measure end) as first_measure,
        max(case when measured.period_year = claims.to_year then measured.measure end) as last_measure,
        min(measured.measure) as least_measure
    from measured
    inner join {{ ref('claim') }} as claims on measured.claim_id = claims.claim_id
    where claims.measure_code <> 'world_rank'
    group by measured.claim_id, measured.claim_source, measured.claim_vintage, claims.span_rule

),

recomputed as (

    select
        *,
        abs(first_measure) + abs(last_measure) as size,
        case
            when unit = 'pct' and span_rule in ('at_end', 'growth') then last_measure
            when span_rule = 'at_end' and is_amount then last_measure / 1000
            when span_rule = 'at_end' then last_measure
            when span_rule = 'every_year' then least_measure
            when span_rule = 'change' then last_measure - first_measure
            when span_rule = 'growth' then 100 * (last_measure / first_measure - 1)
            when span_rule = 'fall' then 100 * (1 - last_measure / first_measure)
        end as recomputed_value
    from spans

)

select
    mart.claim_id,
    mart.source,
    mart.vintage,
    mart.found_value,
    recomputed.recomputed_value
from {{ ref('mart_claim') }} as mart
inner join recomputed
    on
        mart.claim_id = recomputed.claim_id
        and mart.source = recomputed.claim_source
        and mart.vintage = recomputed.claim_vintage
where
    recomputed.recomputed_value is null
    -- a difference of two large shares has their rounding
    or abs(mart.found_value - recomputed.recomputed_value)
    > 0.000001 * (1 + abs(mart.found_value)) + 0.000000000001 * coalesce(recomputed.size, 0)
