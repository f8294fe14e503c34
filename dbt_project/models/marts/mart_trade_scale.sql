{{ config(by_source=['int_trade_by_cell']) }}
-- Over 150 lines, since each row has amounts, growth, shares and ranks of both flows and their total.
with cells as (

    select * from {{ ref('int_trade_by_cell') }}
    where service = 'S'

),

goods as (

    select * from {{ ref('int_goods_total') }}

),

economies as (

    select * from {{ ref('dim_economy') }}

),

sources as (

    select * from {{ ref('dim_source') }}

),

preferred as (

    select * from {{ ref('int_preferred_series') }}

),

gdp as (

    select * from {{ ref('fct_indicator') }}
    where
        source = 'worldbank_wdi'
        and partner = 'WLD'
        and region is null
        and indicator = 'NY.GDP.MKTP.CD'
        and currency = 'USD'
        and unit = 'million'
        and frequency = 'A'

),

-- the publisher's own world row; a sum of reporters would count groups and miss reporters without a figure
worlds as (

    select cells.*
    from cells
    inner join sources on cells.source = sources.source
    where cells.reporter = 'WLD' and sources.is_world_stated

),

joined as (

    select
        cells.*,
        economies.name_en as reporter_name_en,
        economies.name_zh as reporter_name_zh,
        economies.economy_type as reporter_type,
        worlds.exports_million as world_exports_million,
        worlds.imports_million as world_imports_million,
        worlds.total_million as world_total_million,
        goods.total_million as goods_total_million,
        gdp.value as gdp_million,
        preferred.source is not null as is_preferred,
        coalesce(
            economies.economy_type in ('economy', 'dissolved') and worlds.source is not null,
            false
        ) as is_rankable
    from cells
    left join economies on cells.reporter = economies.economy
    left join sources on cells.source = sources.source
    left join preferred on {{ is_same_cell_in_any_vintage('cells', 'preferred') }}
    left join worlds
        on
            cells.source = worlds.source
            and cells.value_type = worlds.value_type
            and {{ is_same_period_and_currency('cells', 'worlds') }}
    left join goods
        on
            sources.goods_source = goods.source
            and cells.reporter = goods.reporter
            and {{ is_same_period_and_currency('cells', 'goods') }}
    left join gdp
        on
            cells.reporter = gdp.reporter
            and {{ is_same_period_and_currency('cells', 'gdp') }}

),

-- the share of the world that the economies add up to: a world row beside a few of them ranks nothing
with_coverage as (

    select
        *,
        {{ ratio_pct('sum(case when is_rankable then exports_million end) over cell', 'world_exports_million') }} as exports_coverage_pct,
        {{ ratio_pct('sum(case when is_rankable then imports_million end) over cell', 'world_imports_million') }} as imports_coverage_pct,
        {{ ratio_pct('sum(case when is_rankable then total_million end) over cell', 'world_total_million') }} as total_coverage_pct,
        count(case when is_rankable then total_million end) over cell as economies_with_total
    from joined
    window cell as (partition by source, frequency, period_start, period_end, currency, value_type)

),

ranked as (

    select
        *,
        {% for flow, rank in [('exports', 'world_export_rank'), ('imports', 'world_import_rank'), ('total', 'world_rank')] %}
            case
                when is_rankable and {{ flow }}_coverage_pct >= {{ least_economies_share_pct() }} and {{ flow }}_million is not null
                    then rank() over (
                        partition by source, frequency, period_start, period_end, currency, value_type, is_rankable
                        order by {{ flow }}_million desc nulls last
                    )
            end as {{ rank }}{% if not loop.last %},{% endif %}
        {% endfor %}
    from with_coverage

)

select
    {{ reporter_cell_columns('ranked', of_reporter=[
        'reporter_name_en', 'reporter_name_zh', 'reporter_type', 'exports_status', 'imports_status', 'total_status'
    ]) }},
    sources.title_en as source_name,
    {{ to_double('ranked.exports_million') }} as exports_million,
    {{ to_double('ranked.imports_million') }} as imports_million,
    {{ to_double('ranked.total_million') }} as total_million,
    ranked.is_total_published,
    {{ to_double('ranked.balance_million') }} as balance_million,
    ranked.is_balance_published,
    {{ growth_pct('ranked.exports_million', 'previous.exports_million') }} as exports_growth_pct,
    {{ growth_pct('ranked.imports_million', 'previous.imports_million') }} as imports_growth_pct,
    {{ growth_pct('ranked.total_million', 'previous.total_million') }} as total_growth_pct,
    {{ is_small_base('ranked.exports_million', 'previous.exports_million') }} as is_exports_small_base,
    {{ is_small_base('ranked.imports_million', 'previous.imports_million') }} as is_imports_small_base,
    {{ is_small_base('ranked.total_million', 'previous.total_million') }} as is_small_base,
    {{ ratio_pct('ranked.exports_million', 'ranked.total_million') }} as export_share_pct,
    {{ ratio_pct('ranked.imports_million', 'ranked.total_million') }} as import_share_pct,
    {{ ratio_pct('ranked.exports_million', 'ranked.world_exports_million') }} as world_export_share_pct,
    {{ ratio_pct('ranked.imports_million', 'ranked.world_imports_million') }} as world_import_share_pct,
    {{ ratio_pct('ranked.total_million', 'ranked.world_total_million') }} as world_total_share_pct,
    cast(ranked.world_export_rank as integer) as world_export_rank,
    cast(ranked.world_import_rank as integer) as world_import_rank,
    cast(ranked.world_rank as integer) as world_rank,
    cast(case when ranked.world_rank is not null then ranked.economies_with_total end as integer) as economies_ranked,
    case when ranked.world_rank is not null then ranked.total_coverage_pct end as world_coverage_pct,
    {{ ratio_pct('ranked.total_million', '(ranked.total_million + ranked.goods_total_million)') }} as services_share_of_trade_pct,
    case
        when ranked.total_million is null then 'no total of exports and imports'
        when ranked.goods_total_million is null
            then 'the publisher states no goods exports and imports for the economy, period and currency'
        when ranked.total_million + ranked.goods_total_million = 0 then 'services and goods are zero'
    end as services_share_reason,
    {{ ratio_pct('ranked.total_million', 'ranked.gdp_million') }} as openness_pct,
    case
        when {{ ratio_pct('ranked.total_million', 'ranked.gdp_million') }} is not null then null
        when ranked.frequency <> 'A' then 'GDP is annual'
        when ranked.currency <> 'USD' then 'GDP is in US dollars'
        when ranked.total_million is null then 'no total of exports and imports'
        when ranked.gdp_million is null then 'no GDP of the World Bank is loaded for the economy and year'
        when ranked.gdp_million = 0 then 'GDP is zero'
    end as openness_reason,
    ranked.is_preferred
from ranked
left join sources on ranked.source = sources.source
left join cells as previous
    on
        {{ is_same_period_of_previous_year('previous', 'ranked') }}
order by
    ranked.source, ranked.reporter, ranked.frequency, ranked.period_start, ranked.period_end, ranked.currency,
    ranked.value_type
