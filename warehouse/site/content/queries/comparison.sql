-- one kind of value of each source, as bi.compare_sources has it, with growth
with series as (

    select
        source,
        reporter,
        period_label,
        value_type
    from bi.compare_sources
    where currency = 'USD' and period_label >= '2000'

),

scale as (

    select * from marts.mart_trade_scale
    where frequency = 'A' and currency = 'USD'

)

select
    scale.reporter,
    scale.period_label,
    scale.exports_million as exports_usd_million,
    scale.imports_million as imports_usd_million,
    scale.total_million as total_usd_million,
    scale.balance_million as balance_usd_million,
    scale.exports_growth_pct,
    scale.imports_growth_pct,
    scale.source,
    scale.vintage
from scale
inner join series
    on
        scale.source = series.source
        and scale.reporter = series.reporter
        and scale.period_label = series.period_label
        and scale.value_type = series.value_type
order by scale.source, scale.reporter, scale.period_label
