with cells as (

    select * from {{ ref('int_market_share_cell') }}

),

growth as (

    select
        *,
        {{ growth_fraction('last_million', 'first_million') }} as growth
    from {{ ref('int_market_share_world') }}

),

spans as (

    {% for years in market_share_spans() %}
        select {{ years }} as span_years
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

-- V_i, its part whose market has a growth, and what that part would have become with its markets
items as (

    select
        cells.form,
        cells.source,
        cells.reporter,
        cells.currency,
        cells.value_type,
        cells.service,
        cells.calendar_year as first_year,
        spans.span_years,
        sum(cells.value_million) as value_million,
        sum(case when growth.growth is not null then cells.value_million else 0 end) as known_million,
        sum(coalesce({{ amount_times('cells.value_million', 'growth.growth') }}, 0)) as market_growth_million
    from cells
    cross join spans
    left join growth
        on
            cells.form = growth.form
            and cells.source = growth.source
            and cells.currency = growth.currency
            and cells.value_type = growth.value_type
            and cells.service = growth.service
            and cells.market = growth.market
            and cells.calendar_year = growth.first_year
            and spans.span_years = growth.span_years
    group by
        cells.form, cells.source, cells.reporter, cells.currency, cells.value_type, cells.service, cells.calendar_year,
        spans.span_years

),

world_items as (

    select
        form,
        source,
        currency,
        value_type,
        service,
        first_year,
        span_years,
        sum(first_million) as first_million,
        sum(last_million) as last_million
    from growth
    group by form, source, currency, value_type, service, first_year, span_years

)

-- the markets of an economy are all but itself
select
    items.*,
    {{ growth_fraction(
        '(world_items.last_million - coalesce(own.last_million, 0))',
        '(world_items.first_million - coalesce(own.first_million, 0))'
    ) }} as item_growth
from items
left join world_items
    on
        items.form = world_items.form
        and items.source = world_items.source
        and items.currency = world_items.currency
        and items.value_type = world_items.value_type
        and items.service = world_items.service
        and items.first_year = world_items.first_year
        and items.span_years = world_items.span_years
left join growth as own
    on
        items.form = own.form
        and items.source = own.source
        and items.currency = own.currency
        and items.value_type = own.value_type
        and items.service = own.service
        and items.reporter = own.market
        and items.first_year = own.first_year
        and items.span_years = own.span_years
