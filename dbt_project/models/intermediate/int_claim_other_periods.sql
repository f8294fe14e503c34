{%- set placeholders = {
    'regions': 'claims.regions',
    'service': 'claims.service',
    'flow': 'claims.computed_flow',
    'currency': 'claims.currency',
} -%}

with claims as (

    select * from {{ ref('claim') }}

),

terms as (

    select * from {{ ref('claim_term') }}
    where is_printed

),

indicators as (

    select * from {{ ref('fct_indicator') }}
    where partner = 'WLD'

),

-- the rate or share that a claim is about, as publishers print it
items as (

    select
        claims.claim_id,
        claims.area,
        claims.to_year,
        case when terms.region <> '-' then {{ filled('terms.region', placeholders) }} end as region,
        {{ filled('terms.item', placeholders) }} as indicator
    from claims
    inner join terms on claims.measure_code = terms.measure_code
    where
        claims.unit = 'percent'
        and terms.partner = 'WLD'
        and (terms.measure_code <> 'level' or (claims.span_rule = 'growth' and claims.to_year - claims.from_year = 1))

),

-- a share of a region is printed so rarely that the nearest period of any year is evidence; else only a part of the year is
by_nearness as (

    select
        items.claim_id,
        indicators.source,
        indicators.vintage,
        indicators.indicator,
        indicators.region,
        indicators.period_label,
        indicators.value,
        row_number() over (
            partition by items.claim_id
            order by
                abs(items.to_year - extract(year from indicators.period_end)) asc, indicators.period_end desc,
                indicators.period_start asc, indicators.source asc, indicators.currency asc, indicators.unit asc
        ) as nearness
    from items
    inner join indicators
        on
            items.area = indicators.reporter
            and items.indicator = indicators.indicator
            and items.region is not distinct from indicators.region
    where
        (
            indicators.frequency <> 'A'
            and items.to_year = extract(year from indicators.period_start)
            and items.to_year = extract(year from indicators.period_end)
        )
        or (items.region is not null and items.to_year <> extract(year from indicators.period_end))

)

select
    claim_id,
    source,
    vintage,
    indicator,
    region,
    period_label,
    {{ to_double('value') }} as value_pct
from by_nearness
where nearness = 1
