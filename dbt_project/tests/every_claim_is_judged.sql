-- Fails on a claim without a row, on a claim that is both testable and untestable, on a verdict without its figures, and on a
-- verdict without cells in bridge_claim_cell.
with cells as (

    select distinct
        claim_id,
        claim_source,
        claim_vintage
    from {{ ref('bridge_claim_cell') }}

)

select
    claims.claim_id,
    mart.source,
    mart.vintage,
    mart.verdict
from {{ ref('claim') }} as claims
left join {{ ref('mart_claim') }} as mart on claims.claim_id = mart.claim_id
left join cells
    on
        mart.claim_id = cells.claim_id
        and mart.source = cells.claim_source
        and mart.vintage = cells.claim_vintage
where
    mart.verdict is null
    or (mart.verdict = 'untestable') <> (mart.found_value is null)
    or (mart.verdict = 'untestable') <> (mart.source is null)
    or (mart.verdict = 'untestable') <> (cells.claim_id is null)
    or (mart.source is null) <> (mart.vintage is null)
