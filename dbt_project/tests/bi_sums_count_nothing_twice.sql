-- Fails where a plain sum over rows of schema bi is more than the figure of the whole, by more than rounding: 0.1 % or 1 million.
-- Where all twelve items are there, their sum is the total. Partners and items that a source leaves out make a sum smaller.
with wholes as (

    select
        reporter,
        period_label,
        'exports' as flow,
        source,
        exports_usd_million as value_usd_million
    from {{ ref('compare_sources') }}
    union all
    select
        reporter,
        period_label,
        'imports' as flow,
        source,
        imports_usd_million as value_usd_million
    from {{ ref('compare_sources') }}

),

sums as (

    select
        'mix' as table_name,
        reporter,
        period_label,
        flow,
        min(source) as source,
        count(distinct source) as source_count,
        count(*) = 12 as is_whole,
        sum(value_usd_million) as value_usd_million
    from {{ ref('mix') }}
    group by reporter, period_label, flow
    union all
    select
        'partner' as table_name,
        reporter,
        period_label,
        flow,
        min(source) as source,
        count(distinct source) as source_count,
        false as is_whole,
        sum(value_usd_million) as value_usd_million
    from {{ ref('partner') }}
    group by reporter, period_label, flow
    union all
    select
        'digital' as table_name,
        reporter,
        period_label,
        flow,
        min(source) as source,
        count(distinct source) as source_count,
        false as is_whole,
        sum(value_usd_million) as value_usd_million
    from {{ ref('digital') }}
    group by reporter, period_label, flow

),

compared as (

    select
        sums.*,
        wholes.value_usd_million as whole_usd_million,
        1 + 0.001 * abs(wholes.value_usd_million) as tolerance
    from sums
    left join wholes
        on
            sums.reporter = wholes.reporter
            and sums.period_label = wholes.period_label
            and sums.flow = wholes.flow
            and sums.source = wholes.source

)

select * from compared
where
    source_count > 1
    or value_usd_million > whole_usd_million + tolerance
    or (is_whole and abs(value_usd_million - whole_usd_million) > tolerance)
