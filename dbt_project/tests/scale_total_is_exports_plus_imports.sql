-- Fails on a row whose total or balance is not the sum or difference of its two flows, or is not null with one flow missing.
-- The tolerance is the rounding of three doubles.
select *
from {{ ref('mart_trade_scale') }}
where
    (exports_million is null or imports_million is null) <> (total_million is null)
    or (total_million is null) <> (balance_million is null)
    or abs(total_million - (exports_million + imports_million)) > 1e-12 * (abs(exports_million) + abs(imports_million))
    or abs(balance_million - (exports_million - imports_million)) > 1e-12 * (abs(exports_million) + abs(imports_million))
