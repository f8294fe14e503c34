-- Did China's exports grow with the world, by the mix of its services, or by its own strength?
select
    first_year,
    last_year,
    change_million,
    world_effect_million,
    item_effect_million,
    competitiveness_effect_million
from marts.mart_market_share_change
where source = 'atlas_services' and reporter = 'CHN' and form = 'items' and span_years = 5 and reason is null
order by first_year desc
limit 6
