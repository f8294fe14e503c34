-- How much does China trade with the European Union, ASEAN and the Belt and Road?
select
    group_code,
    group_name_en,
    flow,
    value_usd_million,
    share_pct,
    coverage_pct
from bi.bloc
where reporter = 'CHN' and period_label = '2019'
order by group_code, flow
