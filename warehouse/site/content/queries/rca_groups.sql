-- The years in which the source's own exports of China, of all groups, break, as in by_publisher.
with exports as (
    select
        source,
        period_label,
        max(status) as status,
        sum(value_million) as value_million,
        lag(sum(value_million)) over (partition by source order by period_label) as previous_million
    from marts.mart_trade_structure
    where
        reporter = 'CHN' and frequency = 'A' and currency = 'USD' and flow = 'exports' and service_level = 2
    group by source, period_label
),

breaks as (
    select
        source,
        period_label
    from exports
    where status like '%break%' or value_million < previous_million / 3 * 2 or value_million > previous_million * 2
)

select
    figures.service,
    figures.service_name_en,
    figures.service_name_zh,
    figures.period_label,
    figures.period_start,
    figures.rca,
    figures.rsca,
    figures.world_basis,
    cast(breaks.period_label as integer) as series_break_year,
    figures.source,
    figures.vintage
from marts.mart_competitiveness as figures
left join breaks on figures.source = breaks.source and figures.period_label = breaks.period_label
where
    figures.reporter = 'CHN' and figures.frequency = 'A' and figures.service_level = 2
    and figures.rca is not null and figures.period_label >= '1995'
order by figures.service, figures.period_label
