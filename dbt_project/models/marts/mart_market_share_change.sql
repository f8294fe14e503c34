{%- set key = ['form', 'source', 'reporter', 'currency', 'value_type'] -%}
{%- set effects = ['world', 'item', 'market', 'competitiveness'] -%}

with cells as (

    select * from {{ ref('int_market_share_cell') }}

),

world as (

    select * from {{ ref('int_market_share_world') }}

),

exports as (

    select
        {{ key | join(', ') }},
        calendar_year,
        max(vintage) as vintage,
        min(period_start) as period_start,
        max(period_end) as period_end,
        sum(value_million) as value_million,
        count(distinct service) as items,
        count(distinct case when value_million <> 0 then service end) as items_counted,
        count(distinct case when value_million <> 0 then market end) as markets_counted
    from cells
    group by {{ key | join(', ') }}, calendar_year

),

totals as (

    select
        source,
        reporter,
        currency,
        value_type,
        cast(extract(year from period_start) as integer) as calendar_year,
        max(exports_million) as services_million
    from {{ ref('int_trade_by_cell') }}
    where service = 'S' and frequency = 'A'
    group by source, reporter, currency, value_type, period_start

),

-- without a market of its own (of an economy's own imports) it is the world as a whole
worlds as (

    select
        form,
        source,
        currency,
        value_type,
        first_year,
        span_years,
        max(world_basis) as world_basis,
        max(world_economies) as world_economies,
        sum(first_million) as first_million,
        sum(last_million) as last_million
    from world
    group by form, source, currency, value_type, first_year, span_years

),

own as (

    select
        form,
        source,
        market,
        currency,
        value_type,
        first_year,
        span_years,
        sum(first_million) as first_million,
        sum(last_million) as last_million
    from world
    group by form, source, market, currency, value_type, first_year, span_years

),

items as (

    select
        items.*,
        worlds.world_basis,
        worlds.world_economies,
        {{ growth_fraction(
            '(worlds.last_million - coalesce(own.last_million, 0))', '(worlds.first_million - coalesce(own.first_million, 0))'
        ) }} as world_growth
    from {{ ref('int_market_share_item') }} as items
    left join worlds
        on
            items.form = worlds.form
            and items.source = worlds.source
            and items.currency = worlds.currency
            and items.value_type = worlds.value_type
            and items.first_year = worlds.first_year
            and items.span_years = worlds.span_years
    left join own
        on
            items.form = own.form
            and items.source = own.source
            and items.reporter = own.market
            and items.currency = own.currency
            and items.value_type = own.value_type
            and items.first_year = own.first_year
            and items.span_years = own.span_years

),

-- Without a growth of its own a market grows as its item, and an item as the world.
expected as (

    select
        {{ key | join(', ') }},
        first_year,
        span_years,
        max(world_basis) as world_basis,
        max(world_economies) as world_economies,
        sum(case when item_growth is not null then known_million else 0 end) as known_million,
        max(world_growth) as world_growth,
        sum({{ amount_times('value_million', 'coalesce(item_growth, world_growth)') }}) as with_items_million,
        sum(
            market_growth_million
            + {{ amount_times('(value_million - known_million)', 'coalesce(item_growth, world_growth)') }}
        ) as with_markets_million
    from items
    group by {{ key | join(', ') }}, first_year, span_years

),

spans as (

    select
        expected.*,
        earlier.period_start,
        later.period_end,
        later.vintage,
        later.calendar_year as last_year,
        earlier.value_million as first_million,
        later.value_million as last_million,
        earlier.items_counted,
        later.items_counted as last_items_counted,
        case when expected.form <> 'items' then earlier.markets_counted end as markets_counted,
        case when expected.form <> 'items' then later.markets_counted end as last_markets_counted,
        {{ amount_times('earlier.value_million', 'expected.world_growth') }} as with_world_million,
        {{ ratio_pct('expected.known_million', 'earlier.value_million') }} as growth_known_pct
    from expected
    inner join exports as earlier
        on
            {% for column in key %}expected.{{ column }} = earlier.{{ column }} and {% endfor %}
            expected.first_year = earlier.calendar_year
    inner join exports as later
        on
            {% for column in key %}expected.{{ column }} = later.{{ column }} and {% endfor %}
            expected.first_year + expected.span_years = later.calendar_year
    -- composition needs two items
    where earlier.items > 1 and later.items > 1

),

reasons as (

    select
        *,
        case
            when first_million <= 0 then '{{ market_share_reasons()['first'] }}'
            when form = 'items' and world_growth is null then '{{ market_share_reasons()['world'] }}'
            when form = 'items' and growth_known_pct < {{ least_coverage_pct() }} then '{{ market_share_reasons()['items'] }}'
            when world_growth is null or growth_known_pct < {{ least_coverage_pct() }} then '{{ market_share_reasons()['markets'] }}'
        end as reason
    from spans

),

effects as (

    select
        *,
        last_million - first_million as change_million,
        case when reason is null then with_world_million end as world_million,
        case when reason is null then with_items_million - with_world_million end as item_million,
        case when reason is null and form <> 'items' then with_markets_million - with_items_million end as market_million,
        case
            when reason is null
                then last_million - first_million - case when form = 'items' then with_items_million else with_markets_million end
        end as competitiveness_million
    from reasons

)

select
    effects.source,
    effects.vintage,
    effects.reporter,
    effects.form,
    effects.first_year,
    effects.last_year,
    effects.span_years,
    effects.period_start,
    effects.period_end,
    effects.currency,
    effects.value_type,
    sources.title_en as source_name,
    reporters.name_en as reporter_name_en,
    reporters.name_zh as reporter_name_zh,
    {{ to_double('effects.first_million') }} as first_value_million,
    {{ to_double('effects.last_million') }} as last_value_million,
    {{ to_double('effects.change_million') }} as change_million,
    {{ growth_pct('effects.last_million', 'effects.first_million') }} as change_pct,
    {% for effect in effects %}
        {{ to_double('effects.' ~ effect ~ '_million') }} as {{ effect }}_effect_million,
        {{ ratio_pct('effects.' ~ effect ~ '_million', 'effects.first_million') }} as {{ effect }}_effect_pct,
    {% endfor %}
    cast(effects.items_counted as integer) as items_counted,
    cast(effects.last_items_counted as integer) as last_items_counted,
    cast(effects.markets_counted as integer) as markets_counted,
    cast(effects.last_markets_counted as integer) as last_markets_counted,
    {{ ratio_pct('effects.first_million', 'totals.services_million') }} as coverage_pct,
    effects.growth_known_pct,
    effects.world_basis,
    effects.world_economies,
    effects.reason
from effects
left join {{ ref('dim_source') }} as sources on effects.source = sources.source
left join {{ ref('dim_economy') }} as reporters on effects.reporter = reporters.economy
left join totals
    on
        effects.source = totals.source
        and effects.reporter = totals.reporter
        and effects.currency = totals.currency
        and effects.value_type = totals.value_type
        and effects.first_year = totals.calendar_year
order by
    effects.source, effects.reporter, effects.form, effects.first_year, effects.last_year, effects.currency, effects.value_type
