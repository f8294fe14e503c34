-- Fails where the contributions of all twelve EBOPS items (SA to SL) do not add up to the growth of the total. Items that a publisher
-- prints with a sum unlike its total contribute what their sum does: whether the items add up is a question for the release
-- gate (marts.mart_trade_structure), so that the difference of the two sums is allowed for.
with structure as (

    select * from {{ ref('mart_trade_structure') }}
    where flow <> 'balance'

),

items as (

    select * from {{ ref('dim_service') }}
    where parent_service = 'S' and not is_derived

),

sums as (

    select
        {{ reporter_cell_columns('structure') }},
        structure.flow,
        count(*) as item_count,
        count(structure.growth_contribution_pp) as contribution_count,
        sum(structure.value_million) as value_million,
        sum(structure.growth_contribution_pp) as growth_contribution_pp,
        sum(abs(structure.growth_contribution_pp)) as size_pp
    from structure
    inner join items on structure.service = items.service
    group by {{ reporter_cell_columns('structure') }}, structure.flow

),

compared as (

    select
        {{ reporter_cell_columns('sums') }},
        sums.flow,
        sums.growth_contribution_pp,
        sums.size_pp,
        totals.growth_pct,
        totals.growth_contribution_pp as total_pp,
        -- what the items are more than the total, now and a year before, in points of the total of the year before
        100 * ((sums.value_million - totals.value_million) - (previous.value_million - previous_totals.value_million))
        / previous_totals.value_million as residual_pp
    from sums
    inner join structure as totals
        on
            {{ is_same_cell('sums', 'totals') }}
            and sums.flow = totals.flow
            and totals.service = 'S'
    inner join sums as previous
        on
            {{ is_same_period_of_previous_year('previous', 'sums') }}
            and sums.flow = previous.flow
    inner join structure as previous_totals
        on
            {{ is_same_cell('previous', 'previous_totals') }}
            and previous.flow = previous_totals.flow
            and previous_totals.service = 'S'
    where
        sums.item_count = 12
        and previous.item_count = 12
        and sums.contribution_count = 12

)

select * from compared
where not coalesce(
    total_pp = growth_pct
    and abs(growth_contribution_pp - growth_pct - residual_pp) <= 0.00000001 * (size_pp + abs(growth_pct) + 100),
    false
)
