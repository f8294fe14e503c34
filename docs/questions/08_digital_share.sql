-- How much of China's exports can be delivered digitally, and how does it compare?
select
    reporter,
    reporter_name_en,
    period_label as year,
    value_million as value_usd_million,
    share_of_services_pct,
    source
from marts.mart_digital_trade
where
    source = 'data360_digital' -- one source: those of bi.digital are the preferred ones of each economy, and cannot be ranked
    and group_service = 'DDS'
    and frequency = 'A'
    and currency = 'USD'
    and reporter in ('CHN', 'USA', 'IND', 'DEU')
    and flow = 'exports'
    and period_label = '2022'
order by share_of_services_pct desc nulls last, reporter asc
