-- In which services has China a deficit, and how large is it?
select
    service,
    service_name_en,
    sum(case flow when 'exports' then value_usd_million else -value_usd_million end) as balance_usd_million
from bi.mix
where reporter = 'CHN' and period_label = '2023'
group by service, service_name_en
order by balance_usd_million, service
