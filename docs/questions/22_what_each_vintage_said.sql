-- What did a publisher say of a year, and what does it say now?
select
    period_label as year,
    flow,
    vintage,
    value,
    growth_pct,
    is_latest
from marts.mart_vintage
where source = 'worldbank_wdi' and reporter = 'CHN' and service = 'S' and indicator like 'B_.GSR.NFSV.CD'
order by period_start desc, flow asc, vintage asc
limit 12
