-- of one source, whatever source is preferred for an economy: a ranking of figures of two sources is none
with newest as (

    select
        source,
        value_type,
        period_label
    from marts.mart_digital_trade
    where
        frequency = 'A' and currency = 'USD' and group_service = 'DDS' and flow = 'exports'
        and reporter_type in ('economy', 'dissolved') and value_million is not null
    group by source, value_type, period_label
    having count(*) >= 50
    order by period_label desc, count(*) desc, source asc, value_type asc
    limit 1

)

select
    digital.reporter,
    digital.reporter_name_en,
    digital.reporter_name_zh,
    digital.period_label,
    digital.value_million as value_usd_million,
    digital.share_of_services_pct,
    digital.growth_pct,
    digital.source,
    digital.vintage
from marts.mart_digital_trade as digital
inner join newest
    on
        digital.source = newest.source and digital.value_type = newest.value_type
        and digital.period_label = newest.period_label
where
    digital.frequency = 'A' and digital.currency = 'USD' and digital.group_service = 'DDS' and digital.flow = 'exports'
    and digital.reporter_type in ('economy', 'dissolved') and digital.value_million is not null
order by digital.value_million desc, digital.reporter asc
limit 20
