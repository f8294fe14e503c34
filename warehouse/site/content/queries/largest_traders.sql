-- of one source, whatever source is preferred for an economy: a ranking of figures of two sources is none
with newest as (

    select
        source,
        value_type,
        period_label
    from marts.mart_trade_scale
    where
        frequency = 'A' and currency = 'USD' and reporter_type in ('economy', 'dissolved')
        and {{ flow }}_million is not null
    group by source, value_type, period_label
    having count(*) >= 50
    order by period_label desc, count(*) desc, source asc, value_type asc
    limit 1

)

select
    scale.reporter,
    scale.reporter_name_en,
    scale.reporter_name_zh,
    scale.period_label,
    scale.{{ flow }}_million as {{ flow }}_usd_million,
    scale.{{ flow }}_growth_pct,
    scale.source,
    scale.vintage
from marts.mart_trade_scale as scale
inner join newest
    on
        scale.source = newest.source and scale.value_type = newest.value_type
        and scale.period_label = newest.period_label
where
    scale.frequency = 'A' and scale.currency = 'USD' and scale.reporter_type in ('economy', 'dissolved')
    and scale.{{ flow }}_million is not null
order by scale.{{ flow }}_million desc, scale.reporter asc
limit 20
