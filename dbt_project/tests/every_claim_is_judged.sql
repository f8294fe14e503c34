-- Fails on a claim without a row, on one that is both testable and untestable, and on a verdict without its figures.
select
    claims.claim_id,
    mart.source,
    mart.vintage,
    mart.verdict
from {{ ref('claim') }} as claims
left join {{ ref('mart_claim') }} as mart on claims.claim_id = mart.claim_id
where
    mart.verdict is null
    or (mart.verdict = 'untestable') <> (mart.found_value is null)
    or (mart.verdict = 'untestable') <> (mart.source is null)
    or (mart.source is null) <> (mart.vintage is null)
