select
    service,
    service_name_en,
    service_name_zh,
    period_label,
    period_start,
    rca,
    rsca,
    world_basis,
    source,
    vintage
from marts.mart_competitiveness
where reporter = 'CHN' and frequency = 'A' and service_level = 2 and rca is not null and period_label >= '1995'
order by service, period_label
