select
    claim_id,
    area_name_en,
    area_name_zh,
    measure,
    flow,
    period_label,
    claimed_value,
    found_value,
    unit,
    difference_pct,
    verdict,
    best_verdict,
    source,
    vintage,
    basis_named,
    is_named_basis,
    reason
from marts.mart_claim
order by claim_id asc, is_named_basis desc, source asc nulls last
