-- How have imports developed since 2015, in China and elsewhere?
select
    period_year as year,
    max(case reporter when 'CHN' then index_value end) as chn_index,
    max(case reporter when 'USA' then index_value end) as usa_index,
    max(case reporter when 'IND' then index_value end) as ind_index
from marts.index_of(2015)
where source = 'unctad_services' and service = 'S' and flow = 'imports' and period_year >= 2015
group by period_year
order by year desc
