with scale as (

    select * from {{ ref('mart_trade_scale') }}
    where frequency = 'A' and currency = 'USD'

),

precedence as (

    select * from {{ ref('source_precedence') }}

),

economies as (

    select * from {{ ref('dim_economy') }}
    where economy_type in {{ economy_types() }}

),

sources as (

    select * from {{ ref('dim_source') }}

),

-- one kind of value of each source
ranked as (

    select
        scale.*,
        row_number() over (
            partition by scale.source, scale.reporter, scale.period_start, scale.period_end order by precedence.priority
        ) as preference
    from scale
    inner join precedence
        on
            scale.source = precedence.source
            and scale.currency = precedence.currency
            and scale.value_type = precedence.value_type

)

select
    ranked.source,
    sources.title_en as source_name,
    ranked.reporter,
    ranked.reporter_name_en,
    ranked.reporter_name_zh,
    ranked.period_start,
    ranked.period_end,
    ranked.period_label,
    ranked.exports_million as exports_usd_million,
    ranked.imports_million as imports_usd_million,
    ranked.total_million as total_usd_million,
    ranked.balance_million as balance_usd_million,
    ranked.value_type,
    ranked.vintage
from ranked
inner join economies on ranked.reporter = economies.economy
inner join sources on ranked.source = sources.source
where ranked.preference = 1
order by ranked.source, ranked.reporter, ranked.period_start
