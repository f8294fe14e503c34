select
    service,
    service_name_en,
    service_name_zh,
    period_label,
    tc,
    mi,
    source,
    vintage
from marts.mart_competitiveness
where
    reporter = 'CHN' and frequency = 'A' and currency = 'USD' and is_main_item and tc is not null
    and source = (select max(mix.source) from bi.mix where mix.reporter = 'CHN') and period_label >= '2005'
order by service, period_label
