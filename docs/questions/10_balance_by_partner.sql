-- With which partners has China its largest deficits?
select
    partner,
    partner_name_en,
    sum(case flow when 'exports' then value_usd_million else -value_usd_million end) as balance_usd_million
from bi.partner
where reporter = 'CHN' and period_label = '2019'
group by partner, partner_name_en
having count(*) = 2
order by balance_usd_million, partner
limit 10
