-- What is there to know of an economy's services trade, in one row?
select
    period_label as year,
    exports_usd_million,
    imports_usd_million,
    world_rank,
    top_exports_service_name_en,
    top_imports_partner_name_en,
    digital_exports_share_pct,
    sources_counted
from bi.profile
where reporter = 'CHN' and period_label in ('2010', '2019', '2021')
order by period_start desc
