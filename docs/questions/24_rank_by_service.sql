-- Who leads in computer and other business services, and how concentrated is the lead?
select
    world_rank,
    reporter_name_en,
    value_million,
    world_share_pct,
    cumulative_share_pct,
    rank_change
from marts.mart_trade_ranking
where source = 'atlas_services' and service = 'ATLAS403' and flow = 'exports' and period_label = '2022'
order by world_rank, reporter
limit 10
