with claims as (

    select * from {{ ref('mart_claim') }}

),

sources as (

    select * from {{ ref('dim_source') }}

),

sources_of_claims as (

    select
        claim_id,
        cast(count(distinct source) as integer) as sources_compared
    from claims
    group by claim_id

),

-- of the rows with the best verdict, that of the publisher which the claim names, then of the newest vintage
in_order as (

    select
        *,
        row_number() over (
            partition by claim_id
            order by {{ verdict_rank('verdict') }} asc, is_named_basis desc nulls last, vintage desc, source asc
        ) as preference
    from claims

)

select
    in_order.claim_id,
    in_order.measure,
    in_order.area,
    in_order.area_name_en,
    in_order.area_name_zh,
    in_order.flow,
    in_order.period_start,
    in_order.period_end,
    in_order.period_label,
    in_order.comparator,
    in_order.claimed_value,
    in_order.found_value,
    in_order.difference,
    in_order.difference_pct,
    in_order.unit,
    in_order.best_verdict,
    in_order.source,
    in_order.source_name,
    in_order.vintage,
    sources_of_claims.sources_compared,
    in_order.basis_named,
    in_order.named_basis_source,
    named_sources.title_en as named_basis_source_name,
    in_order.named_basis_value,
    in_order.named_basis_verdict,
    in_order.reason
from in_order
inner join sources_of_claims on in_order.claim_id = sources_of_claims.claim_id
left join sources as named_sources on in_order.named_basis_source = named_sources.source
where in_order.preference = 1
order by in_order.claim_id
