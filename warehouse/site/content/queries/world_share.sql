with flows as (select unnest(['exports', 'imports']) as flow)

select
    scale.period_label,
    scale.period_start,
    flows.flow,
    case when flows.flow = 'exports' then scale.world_export_share_pct else scale.world_import_share_pct end
        as world_share_pct,
    case when flows.flow = 'exports' then scale.world_export_rank else scale.world_import_rank end as world_rank,
    scale.source,
    scale.vintage
from marts.mart_trade_scale as scale
cross join flows
where
    scale.reporter = 'CHN' and scale.frequency = 'A' and scale.currency = 'USD'
    and scale.world_export_share_pct is not null
order by scale.source, flows.flow, scale.period_label
