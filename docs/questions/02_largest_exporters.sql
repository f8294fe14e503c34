-- Which economies export most services, and with which share of the world?
select
    world_export_rank,
    reporter,
    reporter_name_en,
    period_label as year,
    exports_million,
    world_export_share_pct
from marts.mart_trade_scale
where
    source = 'unctad_services'
    and period_label = '2023'
    and currency = 'USD'
    and world_export_rank is not null
order by world_export_rank, reporter
limit 10
