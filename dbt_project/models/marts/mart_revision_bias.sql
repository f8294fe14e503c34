{{ config(by_source=['int_estimate_measure', 'dim_vintage', 'int_estimate_span']) }}
{%- set groups = [
    'source', 'scope', 'service', 'indicator', 'flow', 'frequency', 'currency', 'value_type', 'measure', 'age_class'
] %}

with estimates as (

    select * from {{ ref('int_estimate_measure') }}

),

first_vintages as (

    select
        source,
        vintage,
        known_from
    from {{ ref('dim_vintage') }}
    where previous_vintage is null

),

-- figures with one value since the first vintage: the base of the figures that were revised
unrevised as (

    select
        {{ cell_columns('spans') }},
        case when spans.unit = 'pct' then 'percentage' when spans.unit <> 'pct' then 'level' end as measure,
        first_vintages.known_from
    from {{ ref('int_estimate_span') }} as spans
    inner join first_vintages on spans.source = first_vintages.source and spans.from_vintage = first_vintages.vintage
    left join estimates
        on
            {{ is_of_same_cell('spans', 'estimates') }}
            and estimates.measure in ('level', 'percentage')
    where
        spans.until_vintage is null
        and estimates.source is null
        and (spans.unit = 'pct' or abs(spans.value) >= 0.000001)

),

figures as (

    select
        {{ cell_columns() }},
        measure,
        known_from,
        estimate,
        latest_estimate
    from estimates
    union all
    select
        {{ cell_columns() }},
        measure,
        known_from,
        cast(null as double) as estimate,
        cast(null as double) as latest_estimate
    from unrevised

),

by_age as (

    select
        *,
        {{ revision_scope() }} as scope,
        {{ age_class('known_from', 'period_end') }} as age_class,
        -- exact decimals: their sums don't depend on the order of rows
        cast(
            case
                when measure = 'level' then (latest_estimate - estimate) / abs(estimate) * 100
                else latest_estimate - estimate
            end as decimal(38, 12)
        ) as revision
    from figures

),

summed as (

    select
        {{ groups | join(', ') }},
        count(*) as figure_count,
        count(latest_estimate) as revised_count,
        count(case when latest_estimate > estimate then 1 end) as upward_count,
        sum(revision) as revision_sum,
        sum(abs(revision)) as absolute_revision_sum
    from by_age
    group by {{ groups | join(', ') }}

),

-- only series with a revision at any age: the table grows with the revisions
with_series as (

    select
        *,
        max(revised_count) over (
            partition by source, scope, service, indicator, flow, frequency, currency, value_type
        ) as series_revised_count
    from summed

),

named_services as (

    select * from {{ ref('dim_service') }}

),

named_sources as (

    select * from {{ ref('dim_source') }}

)

select
    summed.source,
    named_sources.title_en as source_name,
    summed.scope,
    summed.service,
    named_services.name_en as service_name_en,
    named_services.name_zh as service_name_zh,
    summed.indicator,
    summed.flow,
    summed.frequency,
    summed.currency,
    summed.value_type,
    summed.measure,
    case
        when summed.measure = 'level' then 'percent'
        when summed.measure <> 'level' then 'percentage point'
    end as revision_unit,
    summed.age_class,
    {{ age_class_years('summed.age_class') }} as age_from_years,
    case when summed.measure in ('level', 'percentage') then cast(summed.figure_count as integer) end as figure_count,
    cast(summed.revised_count as integer) as revised_count,
    {{ to_double('summed.revision_sum') }} / nullif(summed.revised_count, 0) as mean_revision,
    {{ to_double('summed.absolute_revision_sum') }} / nullif(summed.revised_count, 0) as mean_absolute_revision,
    {{ ratio_pct('summed.upward_count', 'summed.revised_count') }} as upward_pct
from with_series as summed
left join named_sources on summed.source = named_sources.source
left join named_services on summed.service = named_services.service
where
    summed.series_revised_count > 0
    and (summed.revised_count > 0 or summed.measure in ('level', 'percentage'))
order by
    summed.source, summed.scope, summed.service, summed.indicator, summed.flow, summed.frequency, summed.currency,
    summed.value_type, summed.measure, age_from_years
