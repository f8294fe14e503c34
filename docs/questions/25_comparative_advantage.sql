-- In which services has China a revealed comparative advantage (RCA above one)?
select
    service,
    service_name_en,
    rca,
    tc,
    world_basis
from marts.mart_competitiveness
where source = 'atlas_services' and reporter = 'CHN' and period_label = '2022' and rca is not null
order by rca desc, service asc
