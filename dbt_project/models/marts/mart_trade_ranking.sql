{{ config(by_source=['int_ranking_figure']) }}
with figures as (

    select * from {{ ref('int_ranking_figure') }}

),

economies as (

    select * from {{ ref('dim_economy') }}

),

named_services as (

    select * from {{ ref('dim_service') }}

),

sources as (

    select * from {{ ref('dim_source') }}

),

ranked as (

    select
        *,
        {{ share_of('value_million', 'economies_million') }} as share,
        rank() over (
            partition by {{ world_cell_columns() }}, service, flow
            order by value_million desc
        ) as world_rank,
        sum(value_million) over (
            partition by {{ world_cell_columns() }}, service, flow
            order by value_million desc
            range between unbounded preceding and current row
        ) as cumulative_million
    from figures

),

-- the economies that are ranked in both years: one that is ranked in one of them only would take or leave a place
of_both_years as (

    select
        ranked.*,
        previous.value_million as previous_million
    from ranked
    inner join ranked as previous
        on
            {{ is_same_period_of_previous_year('previous', 'ranked') }}
            and ranked.service = previous.service
            and ranked.flow = previous.flow

),

changes as (

    select
        {{ reporter_cell_columns() }},
        service,
        flow,
        rank() over (
            partition by {{ world_cell_columns() }}, service, flow
            order by previous_million desc
        ) - rank() over (
            partition by {{ world_cell_columns() }}, service, flow
            order by value_million desc
        ) as rank_change
    from of_both_years

),

-- squares are summed as decimals: doubles would depend on the order of the rows in the last digit
concentrations as (

    select
        {{ world_cell_columns() }},
        service,
        flow,
        sum(cast(power(share, 2) as decimal(38, 18))) as hhi_economies
    from ranked
    where least_million >= 0
    group by {{ world_cell_columns() }}, service, flow

)

select
    {{ reporter_cell_columns('ranked') }},
    sources.title_en as source_name,
    economies.name_en as reporter_name_en,
    economies.name_zh as reporter_name_zh,
    economies.economy_type as reporter_type,
    ranked.service,
    named_services.name_en as service_name_en,
    named_services.name_zh as service_name_zh,
    named_services.level as service_level,
    named_services.is_main_item,
    ranked.flow,
    ranked.status,
    {{ to_double('ranked.value_million') }} as value_million,
    {{ to_double('ranked.world_million') }} as world_million,
    ranked.world_basis,
    {{ ratio_pct('ranked.value_million', 'ranked.world_million') }} as world_share_pct,
    cast(ranked.world_rank as integer) as world_rank,
    cast(ranked.economies_ranked as integer) as economies_ranked,
    cast(changes.rank_change as integer) as rank_change,
    {{ ratio_pct('ranked.cumulative_million', 'ranked.world_million') }} as cumulative_share_pct,
    case
        when ranked.world_basis = 'stated' then {{ ratio_pct('ranked.economies_million', 'ranked.world_million') }}
    end as coverage_pct,
    {{ to_double('concentrations.hhi_economies') }} as hhi_economies
from ranked
inner join economies on ranked.reporter = economies.economy
left join sources on ranked.source = sources.source
left join named_services on ranked.service = named_services.service
left join changes
    on
        {{ is_same_cell('ranked', 'changes') }}
        and ranked.service = changes.service
        and ranked.flow = changes.flow
left join concentrations
    on
        {{ is_same_world_cell('ranked', 'concentrations') }}
        and ranked.service = concentrations.service
        and ranked.flow = concentrations.flow
order by
    ranked.source, ranked.service, ranked.flow, ranked.period_start, ranked.world_rank, ranked.reporter, ranked.currency,
    ranked.value_type
