-- Which rank in the world has China's services trade, and has it moved up?
select
    period_label as year,
    world_rank,
    lag(world_rank) over (order by period_start) - world_rank as places_gained,
    world_total_share_pct
from marts.mart_trade_scale
where source = 'unctad_services' and reporter = 'CHN' and frequency = 'A' and world_rank is not null
order by period_start desc
