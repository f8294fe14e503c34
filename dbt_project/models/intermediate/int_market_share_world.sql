-- Over 150 lines, since the world is stated, summed or made of the imports of markets, and is grouped at four levels.
{{ config(materialized='table', by_source=['int_trade_by_cell']) }}
-- A table, since int_market_share_item and mart_market_share_change read it several times.
with items as (

    select service from {{ ref('dim_service') }}
    where parent_service = 'S' and not is_derived

    union

    select service from {{ ref('atlas_services_item') }}

),

cells as (

    select
        cells.*,
        cast(extract(year from cells.period_start) as integer) as calendar_year
    from {{ ref('int_trade_by_cell') }} as cells
    inner join items on cells.service = items.service
    inner join {{ ref('dim_economy') }} as economies on cells.reporter = economies.economy
    where
        cells.frequency = 'A'
        and (economies.economy_type in ('economy', 'dissolved') or cells.reporter = 'WLD')

),

-- Balanced figures mirror each other: what the world exports to a market is what the market imports from the world.
figures as (

    select
        'items' as form,
        case when reporter = 'WLD' then 'stated' when reporter <> 'WLD' then 'sum of economies' end as world_basis,
        'WLD' as market,
        source,
        reporter,
        currency,
        value_type,
        service,
        calendar_year,
        exports_million as value_million
    from cells
    where exports_million is not null

    union all

    select
        'items and markets' as form,
        'imports of markets' as world_basis,
        reporter as market,
        source,
        reporter,
        currency,
        value_type,
        service,
        calendar_year,
        imports_million as value_million
    from cells
    where imports_million is not null and value_type = 'balanced' and reporter <> 'WLD'

),

spans as (

    {% for years in market_share_spans() %}
        select {{ years }} as span_years
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

-- only economies with a figure in both years: the world must not grow by economies that begin to report
pairs as (

    select
        earlier.*,
        spans.span_years,
        later.value_million as last_million
    from figures as earlier
    cross join spans
    inner join figures as later
        on
            earlier.form = later.form
            and earlier.source = later.source
            and earlier.reporter = later.reporter
            and earlier.currency = later.currency
            and earlier.value_type = later.value_type
            and earlier.service = later.service
            and earlier.calendar_year + spans.span_years = later.calendar_year

),

economies as (

    select
        form,
        world_basis,
        source,
        currency,
        value_type,
        calendar_year,
        span_years,
        count(distinct reporter) as world_economies,
        -- a stated world comes first
        rank() over (
            partition by form, source, currency, value_type, calendar_year, span_years
            order by case when world_basis = 'sum of economies' then 2 else 1 end
        ) as preference
    from pairs
    group by form, world_basis, source, currency, value_type, calendar_year, span_years

),

-- each item of each market, each item, each market, and all; decimals, whose sum does not depend on the order of the rows
sums as (

    select
        pairs.form,
        pairs.world_basis,
        pairs.source,
        pairs.currency,
        pairs.value_type,
        pairs.calendar_year as first_year,
        pairs.span_years,
        pairs.service,
        pairs.market,
        economies.world_economies,
        sum(pairs.value_million) as first_million,
        sum(pairs.last_million) as last_million
    from pairs
    inner join economies
        on
            pairs.form = economies.form
            and pairs.world_basis = economies.world_basis
            and pairs.source = economies.source
            and pairs.currency = economies.currency
            and pairs.value_type = economies.value_type
            and pairs.calendar_year = economies.calendar_year
            and pairs.span_years = economies.span_years
    where
        economies.preference = 1
        and (pairs.world_basis <> 'sum of economies' or economies.world_economies >= {{ least_world_economies() }})
    group by
        grouping sets (
            {% for level in ['pairs.service, pairs.market, ', 'pairs.service, ', 'pairs.market, ', ''] %}
                (
                    {{ level }}pairs.form, pairs.world_basis, pairs.source, pairs.currency, pairs.value_type,
                    pairs.calendar_year, pairs.span_years, economies.world_economies
                ){{ ',' if not loop.last }}
            {% endfor %}
        )

)

select
    form,
    world_basis,
    source,
    currency,
    value_type,
    first_year,
    span_years,
    coalesce(service, 'all') as service,
    coalesce(market, 'all') as market,
    cast(world_economies as integer) as world_economies,
    cast(first_million as double) as first_million,
    cast(last_million as double) as last_million,
    {{ growth_fraction('last_million', 'first_million') }} as growth
from sums
