{{ config(by_source=true) }}
with cells as (

    select * from {{ ref('int_market_share_cell') }}

),

growth as (

    select * from {{ ref('int_market_share_world') }}

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
        sum(
            case
                when cells.form = 'items' or growth.growth is null then 0
                when cells.form = 'items and markets' then {{ amount_times('cells.value_million', 'growth.growth') }}
            end
        ) as market_growth_million
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

)

-- the markets of an economy are all but itself
select
    items.*,
    {{ growth_of_others('world_items', 'own') }} as item_growth,
    {{ growth_of_others('worlds', 'own_markets') }} as world_growth,
    worlds.world_basis,
    worlds.world_economies
from items
left join growth as world_items
    on
        {{ is_same_span('items', 'world_items') }}
        and items.service = world_items.service
        and world_items.market = 'all'
left join growth as own
    on
        {{ is_same_span('items', 'own') }}
        and items.service = own.service
        and items.reporter = own.market
left join growth as worlds
    on
        {{ is_same_span('items', 'worlds') }}
        and worlds.service = 'all'
        and worlds.market = 'all'
left join growth as own_markets
    on
        {{ is_same_span('items', 'own_markets') }}
        and own_markets.service = 'all'
        and items.reporter = own_markets.market
