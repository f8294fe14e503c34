select
    period_label,
    exports_million as exports_usd_million,
    exports_growth_pct,
    imports_million as imports_usd_million,
    imports_growth_pct,
    balance_million as balance_usd_million,
    world_export_share_pct,
    world_export_rank,
    world_import_share_pct,
    world_import_rank,
    services_share_of_trade_pct,
    value_type,
    source,
    vintage
from marts.mart_trade_scale
where reporter = 'CHN' and frequency = 'A' and currency = 'USD' and exports_million is not null
qualify row_number() over (partition by source order by period_label desc, is_preferred desc, value_type asc) = 1
order by period_label desc, world_export_share_pct desc nulls last, source asc
