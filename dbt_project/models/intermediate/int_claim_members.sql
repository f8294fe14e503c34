with claims as (

    select * from {{ ref('claim') }}

),

bridge as (

    select * from {{ ref('bridge_economy_group') }}

),

regions as (

    select * from {{ ref('region_member') }}

),

years as (

    select distinct period_year from {{ ref('int_claim_base_parts') }}

),

-- members as of the end of the year, without the reporter
economies as (

    select distinct
        'partner' as dimension,
        claims.area as reporter,
        coalesce(claims.partner, claims.group_code) as scope,
        bridge.economy as member,
        years.period_year
    from claims
    inner join bridge on claims.group_code = bridge.group_code and claims.area <> bridge.economy
    inner join years
        on
            (bridge.valid_from is null or bridge.valid_from <= {{ year_end('years.period_year') }})
            and (bridge.valid_to is null or bridge.valid_to >= {{ year_end('years.period_year') }})

),

-- the provinces of all regions that a claim names, each once
provinces as (

    select distinct
        'region' as dimension,
        claims.area as reporter,
        claims.regions as scope,
        regions.region as member,
        years.period_year
    from claims
    inner join regions on concat_ws('', '+', claims.regions, '+') like concat_ws('', '%+', regions.region_group, '+%')
    cross join years

),

members as (

    select * from economies
    union all
    select * from provinces

)

select
    *,
    count(*) over (partition by dimension, reporter, scope, period_year) as members_expected
from members
