-- Fails on a row whose export and import share do not add up to 100 percent, or are null where the total is not.
select *
from {{ ref('mart_trade_scale') }}
where
    abs(export_share_pct + import_share_pct - 100) > 1e-11 * (abs(export_share_pct) + abs(import_share_pct))
    or (total_million <> 0) <> (export_share_pct is not null and import_share_pct is not null)
