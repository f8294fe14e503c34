with accounts as (

    select
        reporter,
        region,
        frequency,
        period_start,
        period_end,
        max(case when indicator = 'NBS.VA_TERTIARY' then value end) as services_million,
        max(case when indicator = 'NBS.GDP' then value end) as gdp_million
    from {{ ref('fct_indicator') }}
    where
        source = 'nbs_accounts'
        and region is not null
        and indicator in ('NBS.VA_TERTIARY', 'NBS.GDP')
        and unit = 'million'
        and currency = 'CNY'
    group by reporter, region, frequency, period_start, period_end

),

-- a province is its own only member
members as (

    select
        region_group,
        region,
        count(*) over (partition by region_group) as members_expected
    from {{ ref('region_member') }}
    union all
    select distinct
        region as region_group,
        region,
        1 as members_expected
    from accounts

),

summed as (

    select
        accounts.reporter,
        members.region_group as region,
        accounts.frequency,
        accounts.period_start,
        accounts.period_end,
        sum(accounts.services_million) as services_million,
        sum(accounts.gdp_million) as gdp_million
    from accounts
    inner join members on accounts.region = members.region
    where accounts.services_million is not null and accounts.gdp_million is not null
    group by
        accounts.reporter, members.region_group, accounts.frequency, accounts.period_start, accounts.period_end,
        members.members_expected
    having count(*) = members.members_expected

)

select
    reporter,
    region,
    frequency,
    period_start,
    period_end,
    {{ ratio_pct('services_million', 'gdp_million') }} as services_value_added_share_pct
from summed
