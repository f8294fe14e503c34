with newest as (

    select
        source,
        max(period_label) as period_label
    from bi.annual
    group by source
    having count(distinct reporter) >= 50

)

select
    annual.reporter,
    annual.reporter_name_en,
    annual.reporter_name_zh,
    annual.period_label,
    annual.{{ flow }}_usd_million,
    annual.{{ flow }}_growth_pct,
    annual.source,
    annual.vintage
from bi.annual
inner join newest on annual.source = newest.source and annual.period_label = newest.period_label
where annual.currency = 'USD' and annual.{{ flow }}_usd_million is not null
order by annual.{{ flow }}_usd_million desc, annual.reporter asc
limit 20
