{{ config(by_source=['int_market_share_cell', 'int_trade_by_cell', 'int_market_share_item']) }}
{%- set key = ['form', 'source', 'reporter', 'currency', 'value_type'] -%}
{%- set effects = ['world', 'item', 'market', 'competitiveness'] -%}

-- Over 150 lines, since each effect has an amount, a percentage and the reason why there is none.
with exports as (

    select
        {{ key | join(', ') }},
        calendar_year,
        max(vintage) as vintage,
        min(period_start) as period_start,
        max(period_end) as period_end,
        sum(value_million) as value_million,
        count(distinct case when value_million <> 0 then service end) as items_counted,
        count(distinct case when value_million <> 0 and form <> 'items' then market end) as markets_counted
    from {{ ref('int_market_share_cell') }}
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
            case
                when form <> 'items'
                    then
                        market_growth_million
                        + {{ amount_times('(value_million - known_million)', 'coalesce(item_growth, world_growth)') }}
            end
        ) as with_markets_million
    from {{ ref('int_market_share_item') }}
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
        case
            when earlier.value_million <> 0
                then cast(expected.known_million as double) / cast(earlier.value_million as double) * 100
        end as growth_known_pct
    from expected
    inner join exports as earlier
        on
            {{ is_same_columns(key, 'expected', 'earlier') }}
            and expected.first_year = earlier.calendar_year
    inner join exports as later
        on
            {{ is_same_columns(key, 'expected', 'later') }}
            and expected.first_year + expected.span_years = later.calendar_year
    -- composition needs two items
    where earlier.items_counted > 1 and later.items_counted > 1

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

),

amounts as (

    select
        *,
        {{ to_double('first_million') }} as first_amount,
        {{ to_double('last_million') }} as last_amount,
        {{ to_double('change_million') }} as change_amount,
        {{ to_double('world_million') }} as world_amount,
        {{ to_double('item_million') }} as item_amount,
        {{ to_double('market_million') }} as market_amount,
        {{ to_double('competitiveness_million') }} as competitiveness_amount
    from effects

)

select
    amounts.source,
    amounts.vintage,
    amounts.reporter,
    amounts.form,
    amounts.first_year,
    amounts.last_year,
    amounts.span_years,
    amounts.period_start,
    amounts.period_end,
    amounts.currency,
    amounts.value_type,
    sources.title_en as source_name,
    reporters.name_en as reporter_name_en,
    reporters.name_zh as reporter_name_zh,
    amounts.first_amount as first_value_million,
    amounts.last_amount as last_value_million,
    amounts.change_amount as change_million,
    case when amounts.first_amount > 0 then amounts.change_amount / amounts.first_amount * 100 end as change_pct,
    {% for effect in effects %}
        amounts.{{ effect }}_amount as {{ effect }}_effect_million,
        case
            when amounts.first_amount > 0
                then amounts.{{ effect }}_amount / amounts.first_amount * 100
        end as {{ effect }}_effect_pct,
    {% endfor %}
    cast(amounts.items_counted as integer) as items_counted,
    cast(amounts.last_items_counted as integer) as last_items_counted,
    cast(amounts.markets_counted as integer) as markets_counted,
    cast(amounts.last_markets_counted as integer) as last_markets_counted,
    {{ ratio_pct('amounts.first_million', 'totals.services_million') }} as coverage_pct,
    amounts.growth_known_pct,
    amounts.world_basis,
    amounts.world_economies,
    amounts.reason
from amounts
left join {{ ref('dim_source') }} as sources on amounts.source = sources.source
left join {{ ref('dim_economy') }} as reporters on amounts.reporter = reporters.economy
left join totals
    on
        {{ is_same_columns(['source', 'reporter', 'currency', 'value_type'], 'amounts', 'totals') }}
        and amounts.first_year = totals.calendar_year
order by
    amounts.source, amounts.reporter, amounts.form, amounts.first_year, amounts.last_year, amounts.currency, amounts.value_type
