select *
from bi.profile
qualify row_number() over (partition by reporter order by period_label desc) = 1
order by reporter
