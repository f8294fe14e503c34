select distinct
    reporter,
    reporter_name_en,
    reporter_name_zh
from bi.annual
order by reporter
