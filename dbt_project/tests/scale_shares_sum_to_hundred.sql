-- Fails on a row whose export and import share do not add up to exports + imports over the total: 100 percent, but for the
-- rounding of a printed total; or are null where their amounts are not.
select *
from {{ ref('mart_trade_scale') }}
where
    abs(export_share_pct + import_share_pct - 100 * (exports_million + imports_million) / total_million)
    > 1e-11 * (abs(export_share_pct) + abs(import_share_pct))
    or (total_million <> 0 and exports_million is not null) <> (export_share_pct is not null)
    or (total_million <> 0 and imports_million is not null) <> (import_share_pct is not null)
