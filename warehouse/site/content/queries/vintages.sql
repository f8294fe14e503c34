-- marts.mart_vintage has the cells that a later vintage revised or added; every other cell is the same in all vintages.
with changed as (

    select
        source,
        period_label,
        period_start,
        vintage,
        until_vintage,
        value as exports_usd_million
    from marts.mart_vintage
    where
        reporter = 'CHN'
        and partner = 'WLD'
        and service = 'S'
        and flow = 'exports'
        and frequency = 'A'
        and currency = 'USD'

),

most_revised as (

    select dim_vintage.source
    from core.dim_vintage
    where
        exists (
            select 1
            from bi.compare_sources
            where
                compare_sources.source = dim_vintage.source
                and compare_sources.reporter = 'CHN'
                and compare_sources.currency = 'USD'
                and compare_sources.exports_usd_million is not null
        )
    group by dim_vintage.source
    order by count(*) desc, dim_vintage.source asc
    limit 1

),

vintages as (

    select
        dim_vintage.source,
        dim_vintage.vintage
    from core.dim_vintage
    inner join most_revised
        on dim_vintage.source = most_revised.source

),

stated as (

    select *
    from changed
    union all
    select
        source,
        period_label,
        period_start,
        '' as vintage,
        null as until_vintage,
        exports_usd_million
    from bi.compare_sources
    where
        reporter = 'CHN'
        and currency = 'USD'
        and exports_usd_million is not null
        and not exists (
            select 1
            from changed
            where
                changed.source = compare_sources.source
                and changed.period_label = compare_sources.period_label
        )

),

every_vintage as (

    select
        stated.period_label,
        stated.period_start,
        first_value(vintages.vintage) over vintages_of_period as first_vintage,
        first_value(stated.exports_usd_million) over vintages_of_period as first_value_usd_million,
        stated.exports_usd_million,
        vintages.source,
        vintages.vintage
    from vintages
    inner join stated
        on
            vintages.source = stated.source
            and vintages.vintage >= stated.vintage
            and (vintages.vintage < stated.until_vintage or stated.until_vintage is null)
    where stated.period_label >= '2010'
    window vintages_of_period as (partition by stated.period_label order by vintages.vintage)

)

select
    period_label,
    period_start,
    first_vintage,
    first_value_usd_million,
    exports_usd_million,
    100 * (exports_usd_million - first_value_usd_million) / nullif(first_value_usd_million, 0) as change_pct,
    source,
    vintage
from every_vintage
where vintage > first_vintage
order by vintage, period_label
