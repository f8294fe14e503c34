-- With whom does China trade services?
select
    partner,
    partner_name_en,
    value_usd_million,
    share_pct,
    partner_rank
from bi.partner
where reporter = 'CHN' and period_label = '2019' and flow = 'imports'
order by value_usd_million desc, partner
limit 10
