-- Fails where the first value of a cell and its revisions do not add up to its latest value. Cells
-- that were withdrawn in between are left out, since their steps have a gap.
with summary as (

    select * from {{ ref('mart_revision_summary') }}
    where withdrawal_count = 0

)

select *
from summary
where
    latest_value is null
    or abs(first_value + mean_revision * revision_count - latest_value) > 0.000001 * (1 + abs(first_value) + abs(latest_value))
    or mean_absolute_revision < abs(mean_revision) * 0.999999
