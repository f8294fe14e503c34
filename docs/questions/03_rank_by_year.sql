-- Which rank in the world has China's services trade, and has it moved up?
select
    period_label as year,
    world_rank,
    economies_ranked,
    rank_change as places_gained,
    world_share_pct
from marts.mart_trade_ranking
where source = 'unctad_services' and reporter = 'CHN' and service = 'S' and flow = 'total'
order by period_start desc
