select distinct
    reporter,
    reporter_name_en,
    reporter_name_zh
from bi.annual
where currency = 'USD'
order by reporter
