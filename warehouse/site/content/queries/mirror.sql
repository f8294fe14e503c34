select
    reporter_name_en,
    reporter_name_zh,
    partner_name_en,
    partner_name_zh,
    period_label,
    flow,
    reporter_value_million,
    reporter_currency,
    partner_value_million,
    partner_currency,
    asymmetry_index,
    reason,
    reporter_source as source,
    reporter_vintage as vintage,
    partner_source,
    partner_vintage
from marts.mart_mirror
where
    frequency = 'A' and service = 'S' and (reporter = 'CHN' or partner = 'CHN')
    and reporter_value_million is not null and partner_value_million is not null
order by period_label desc, reporter asc, partner asc, flow asc
limit 40
