-- Fails on a row whose export and import share do not make 100 percent, or are missing beside a total.
select *
from {{ ref('mart_trade_scale') }}
where
    abs(export_share_pct + import_share_pct - 100) > 1e-9
    or (total_million <> 0) <> (export_share_pct is not null and import_share_pct is not null)
