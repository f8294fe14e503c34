select
    claim_id,
    period_label,
    claimed_value,
    found_value,
    unit,
    verdict,
    source,
    measure,
    flow,
    difference_pct,
    best_verdict,
    area_name_en,
    area_name_zh,
    vintage,
    basis_named,
    is_named_basis,
    reason
from marts.mart_claim
order by claim_id asc, is_named_basis desc, source asc nulls last
