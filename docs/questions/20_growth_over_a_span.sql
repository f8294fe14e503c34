-- Which larger economies' exports grew fastest from 2010 to 2023?
select
    reporter,
    reporter_name_en,
    first_value_million,
    last_value_million,
    cagr_pct
from marts.growth_between(2010, 2023)
where
    source = 'unctad_services'
    and flow = 'exports'
    and service = 'S'
    and last_value_million > 100000
    and reporter in (select dim.economy from core.dim_economy as dim where dim.economy_type = 'economy')
    and cagr_pct is not null
order by cagr_pct desc, reporter asc
limit 10
