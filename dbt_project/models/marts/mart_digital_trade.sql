-- Over 150 lines, since a group has two wholes: the services of a source, and the same group of the world.
with groups as (

    select * from {{ ref('int_digital_group') }}

),

totals as (

    select * from {{ ref('int_services_total') }}

),

services as (

    select * from {{ ref('dim_service') }}

),

economies as (

    select * from {{ ref('dim_economy') }}

),

sources as (

    select * from {{ ref('dim_source') }}

),

-- Of the source's own totals the one of the same kind of value, of another source's the preferred one. Without `or` in the join,
-- with which DuckDB compares every group with every total.
totals_by_use as (

    select
        *,
        value_type as used_value_type
    from totals
    union all
    select
        *,
        'any' as used_value_type
    from totals
    where preference = 1

),

-- the whole of the same source and kind of value, or of the source that states it
figures as (

    select
        groups.*,
        economies.name_en as reporter_name_en,
        economies.name_zh as reporter_name_zh,
        economies.economy_type as reporter_type,
        totals.source as services_source,
        totals.vintage as services_vintage,
        case when groups.flow <> 'balance' then {{ amount_of_flow('groups.flow', 'totals') }} end as services_million,
        groups.flow <> 'balance' and coalesce(economies.economy_type in ('economy', 'dissolved'), false) as is_rankable,
        groups.flow <> 'balance' and groups.reporter = 'WLD' and sources.is_world_stated as is_world
    from groups
    left join economies on groups.reporter = economies.economy
    left join sources on groups.source = sources.source
    left join totals_by_use as totals
        on
            sources.services_source = totals.source
            and groups.reporter = totals.reporter
            and {{ is_same_period_and_currency('groups', 'totals') }}
            and totals.used_value_type
            = case
                when sources.services_source = groups.source then groups.value_type
                when sources.services_source <> groups.source then 'any'
            end

),

-- the publisher's own world figure, and the economies that have one of their own
worlds as (

    select
        source,
        group_service,
        flow,
        frequency,
        period_start,
        period_end,
        currency,
        value_type,
        is_of_published,
        max(case when is_world then value_million end) as world_million,
        sum(case when is_rankable then value_million end) as economies_million
    from figures
    group by source, group_service, flow, frequency, period_start, period_end, currency, value_type, is_of_published

),

ranked as (

    select
        figures.*,
        worlds.world_million,
        case
            when figures.is_rankable and {{ ratio_pct('worlds.economies_million', 'worlds.world_million') }} >= 80
                then rank() over (
                    partition by
                        figures.source, figures.group_service, figures.flow, figures.frequency, figures.period_start,
                        figures.period_end, figures.currency, figures.value_type, figures.is_of_published, figures.is_rankable
                    order by figures.value_million desc
                )
        end as world_rank
    from figures
    inner join worlds
        on
            figures.source = worlds.source
            and {{ is_same_period_and_currency('figures', 'worlds') }}
            and figures.value_type = worlds.value_type
            and figures.group_service = worlds.group_service
            and figures.flow = worlds.flow
            and figures.is_of_published = worlds.is_of_published

)

select
    {{ reporter_cell_columns('ranked', of_reporter=['reporter_name_en', 'reporter_name_zh', 'reporter_type']) }},
    sources.title_en as source_name,
    ranked.status,
    ranked.group_service,
    services.name_en as group_name_en,
    services.name_zh as group_name_zh,
    services.definition,
    services.source_url as definition_source_url,
    ranked.flow,
    {{ to_double('ranked.value_million') }} as value_million,
    ranked.is_published,
    {{ to_double('ranked.services_million') }} as services_million,
    case when ranked.services_million is not null then ranked.services_source end as services_source,
    case when ranked.services_million is not null then ranked.services_vintage end as services_vintage,
    {{ ratio_pct('ranked.value_million', 'ranked.services_million') }} as share_of_services_pct,
    case
        when ranked.flow = 'balance' then 'a balance has no share'
        when ranked.services_million is null then 'no total of services is stated for the economy and period'
        when ranked.services_million = 0 then 'the total of services is zero'
    end as share_reason,
    {{ ratio_pct('ranked.value_million', 'ranked.world_million') }} as world_share_pct,
    cast(ranked.world_rank as integer) as world_rank,
    case
        when ranked.flow <> 'balance'
            then {{ growth_pct('ranked.value_million', 'previous.value_million') }}
    end as growth_pct,
    case
        when ranked.flow <> 'balance'
            then {{ is_small_base('ranked.value_million', 'previous.value_million') }}
    end as is_small_base
from ranked
left join sources on ranked.source = sources.source
left join services on ranked.group_service = services.service
left join figures as previous
    on
        {{ is_same_period_of_previous_year('previous', 'ranked') }}
        and previous.group_service = ranked.group_service
        and previous.flow = ranked.flow
        and previous.is_of_published = ranked.is_of_published
order by
    ranked.source, ranked.reporter, ranked.group_service, ranked.flow, ranked.frequency, ranked.period_start,
    ranked.period_end, ranked.currency, ranked.value_type
