{{ config(materialized='table') }}

with bridge as (

    select * from {{ ref('bridge_economy_group') }}

),

periods as (

    select distinct
        frequency,
        period_start,
        period_end
    from {{ ref('fct_bilateral_services_trade') }}

),

-- the day that decides who is a member in a period: its own last day, or the last day of one year for all periods
compositions as (

    select
        *,
        'as of the period' as composition,
        period_end as membership_day
    from periods

    {% for year in fixed_composition_years() %}

        union all

        select
            *,
            'fixed {{ year }}' as composition,
            {{ year_end(year) }} as membership_day
        from periods

    {% endfor %}

),

memberships as (

    select distinct
        bridge.group_code,
        bridge.economy,
        compositions.composition,
        compositions.frequency,
        compositions.period_start,
        compositions.period_end
    from compositions
    inner join bridge
        on
            compositions.membership_day >= coalesce(bridge.valid_from, compositions.membership_day)
            and compositions.membership_day <= coalesce(bridge.valid_to, compositions.membership_day)

)

select
    *,
    count(*) over (partition by group_code, composition, frequency, period_start, period_end) as members
from memberships
