-- Fails on a computed total or balance that is not the sum or difference of its two flows, or that is not null with one flow
-- missing; and on a printed one that differs from it by more than 1 percent: publishers round trillions to two digits.
-- The tolerance of a computed one is the rounding of three doubles.
select *
from {{ ref('mart_trade_scale') }}
where
    (not is_total_published and (exports_million is null or imports_million is null) <> (total_million is null))
    or (not is_balance_published and (exports_million is null or imports_million is null) <> (balance_million is null))
    or abs(total_million - (exports_million + imports_million))
    > case when is_total_published then 0.01 else 1e-12 end * (abs(exports_million) + abs(imports_million))
    or abs(balance_million - (exports_million - imports_million))
    > case when is_balance_published then 0.01 else 1e-12 end * (abs(exports_million) + abs(imports_million))
