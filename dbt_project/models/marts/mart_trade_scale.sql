with services as (

    select * from {{ ref('fct_services_trade') }}
    where service = 'S' and flow in ('exports', 'imports')

),

goods as (

    select * from {{ ref('fct_goods_trade') }}
    where flow in ('exports', 'imports') and value_type = 'reported'

),

economies as (

    select * from {{ ref('dim_economy') }}

),

sources as (

    select * from {{ ref('dim_source') }}

),

precedence as (

    select * from {{ ref('source_precedence') }}

),

gdp as (

    select
        reporter,
        frequency,
        period_start,
        period_end,
        currency,
        value as gdp_million
    from {{ ref('fct_indicator') }}
    where
        source = 'worldbank_wdi'
        and indicator = 'NY.GDP.MKTP.CD'
        and currency = 'USD'
        and unit = 'million'
        and frequency = 'A'

),

flows as (

    select
        source,
        vintage,
        reporter,
        frequency,
        period_start,
        period_end,
        period_label,
        currency,
        value_type,
        max(case when flow = 'exports' then value_million end) as exports,
        max(case when flow = 'imports' then value_million end) as imports
    from services
    group by source, vintage, reporter, frequency, period_start, period_end, period_label, currency, value_type

),

amounts as (

    select
        *,
        exports + imports as total,
        exports - imports as balance
    from flows

),

goods_totals as (

    select
        source,
        reporter,
        frequency,
        period_start,
        period_end,
        currency,
        max(case when flow = 'exports' then value_million end)
        + max(case when flow = 'imports' then value_million end) as total
    from goods
    group by source, reporter, frequency, period_start, period_end, currency

),

-- the publisher's own world row; a sum of reporters would count aggregates and miss the silent
worlds as (

    select amounts.*
    from amounts
    inner join sources on amounts.source = sources.source
    where amounts.reporter = 'WLD' and sources.is_world_stated

),

ranks as (

    select
        amounts.source,
        amounts.reporter,
        amounts.frequency,
        amounts.period_start,
        amounts.period_end,
        amounts.currency,
        amounts.value_type,
        rank() over (
            partition by
                amounts.source, amounts.frequency, amounts.period_start, amounts.period_end, amounts.currency,
                amounts.value_type
            order by amounts.total desc
        ) as world_rank
    from amounts
    inner join worlds
        on
            amounts.source = worlds.source
            and amounts.frequency = worlds.frequency
            and amounts.period_start = worlds.period_start
            and amounts.period_end = worlds.period_end
            and amounts.currency = worlds.currency
            and amounts.value_type = worlds.value_type
    inner join economies on amounts.reporter = economies.economy
    where
        economies.economy_type in ('economy', 'dissolved')
        and amounts.total is not null

),

preferences as (

    select
        amounts.source,
        amounts.reporter,
        amounts.frequency,
        amounts.period_start,
        amounts.period_end,
        amounts.currency,
        amounts.value_type,
        row_number() over (
            partition by amounts.reporter, amounts.frequency, amounts.period_start, amounts.period_end
            order by precedence.priority
        ) as preference
    from amounts
    inner join precedence
        on
            amounts.source = precedence.source
            and amounts.currency = precedence.currency
            and amounts.value_type = precedence.value_type

)

select
    amounts.source,
    amounts.vintage,
    amounts.reporter,
    economies.name_en as reporter_name_en,
    economies.name_zh as reporter_name_zh,
    amounts.frequency,
    amounts.period_start,
    amounts.period_end,
    amounts.period_label,
    amounts.currency,
    amounts.value_type,
    {{ to_double('amounts.exports') }} as exports_million,
    {{ to_double('amounts.imports') }} as imports_million,
    {{ to_double('amounts.total') }} as total_million,
    {{ to_double('amounts.balance') }} as balance_million,
    {{ growth_pct('amounts.exports', 'previous.exports') }} as exports_growth_pct,
    {{ growth_pct('amounts.imports', 'previous.imports') }} as imports_growth_pct,
    {{ growth_pct('amounts.total', 'previous.total') }} as total_growth_pct,
    {{ ratio_pct('amounts.exports', 'amounts.total') }} as export_share_pct,
    {{ ratio_pct('amounts.imports', 'amounts.total') }} as import_share_pct,
    {{ ratio_pct('amounts.exports', 'worlds.exports') }} as world_export_share_pct,
    {{ ratio_pct('amounts.imports', 'worlds.imports') }} as world_import_share_pct,
    {{ ratio_pct('amounts.total', 'worlds.total') }} as world_total_share_pct,
    cast(ranks.world_rank as integer) as world_rank,
    {{ ratio_pct('amounts.total', '(amounts.total + goods_totals.total)') }} as services_share_of_trade_pct,
    {{ ratio_pct('amounts.total', 'gdp.gdp_million') }} as openness_pct,
    coalesce(preferences.preference = 1, false) as is_preferred
from amounts
left join economies on amounts.reporter = economies.economy
left join sources on amounts.source = sources.source
left join amounts as previous
    on
        {{ is_same_period_of_previous_year('previous', 'amounts') }}
        and previous.value_type = amounts.value_type
left join worlds
    on
        amounts.source = worlds.source
        and amounts.frequency = worlds.frequency
        and amounts.period_start = worlds.period_start
        and amounts.period_end = worlds.period_end
        and amounts.currency = worlds.currency
        and amounts.value_type = worlds.value_type
left join ranks
    on
        amounts.source = ranks.source
        and amounts.reporter = ranks.reporter
        and amounts.frequency = ranks.frequency
        and amounts.period_start = ranks.period_start
        and amounts.period_end = ranks.period_end
        and amounts.currency = ranks.currency
        and amounts.value_type = ranks.value_type
left join goods_totals
    on
        sources.goods_source = goods_totals.source
        and amounts.reporter = goods_totals.reporter
        and amounts.frequency = goods_totals.frequency
        and amounts.period_start = goods_totals.period_start
        and amounts.period_end = goods_totals.period_end
        and amounts.currency = goods_totals.currency
left join gdp
    on
        amounts.reporter = gdp.reporter
        and amounts.frequency = gdp.frequency
        and amounts.period_start = gdp.period_start
        and amounts.period_end = gdp.period_end
        and amounts.currency = gdp.currency
left join preferences
    on
        amounts.source = preferences.source
        and amounts.reporter = preferences.reporter
        and amounts.frequency = preferences.frequency
        and amounts.period_start = preferences.period_start
        and amounts.period_end = preferences.period_end
        and amounts.currency = preferences.currency
        and amounts.value_type = preferences.value_type
