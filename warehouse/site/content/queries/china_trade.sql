with flows as (select unnest(['exports', 'imports']) as flow)

select
    annual.period_label,
    annual.period_start,
    flows.flow,
    case when flows.flow = 'exports' then annual.exports_usd_million else annual.imports_usd_million end
        as value_usd_million,
    case when flows.flow = 'exports' then annual.exports_growth_pct else annual.imports_growth_pct end
        as growth_pct,
    annual.value_type,
    annual.source,
    annual.vintage,
    annual.is_source_break
from bi.annual
cross join flows
where annual.reporter = 'CHN' and annual.currency = 'USD' and annual.period_label >= '2000'
order by flows.flow, annual.period_label
