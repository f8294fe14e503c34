-- With whom does China trade services?
select
    partner,
    partner_name_en,
    sum(value_usd_million) filter (where flow = 'exports') as exports_million,
    sum(value_usd_million) filter (where flow = 'imports') as imports_million,
    sum(value_usd_million) as total_million,
    source_name
from bi.partner
where reporter = 'CHN' and period_label = '2019'
group by partner, partner_name_en, source_name
having count(*) = 2
order by total_million desc, partner asc
limit 10
