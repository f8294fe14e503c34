with trade as (

    select * from {{ ref('fct_regional_services_trade') }}
    where service = 'S'

),

regions as (

    select * from {{ ref('dim_region') }}

),

members as (

    select * from {{ ref('region_member') }}

),

worlds as (

    select * from {{ ref('fct_services_trade') }}
    where service = 'S' and partner = 'WLD' and indicator is null

),

expected as (

    select
        region_group,
        count(*) as members
    from members
    group by region_group

),

-- every group of which a province has a figure, and every group that is published
from_provinces as (

    select
        trade.source,
        trade.vintage,
        trade.reporter,
        members.region_group as region,
        trade.frequency,
        trade.period_start,
        trade.period_end,
        trade.period_label,
        trade.flow,
        trade.currency,
        trade.value_type,
        count(*) as members_counted,
        sum(trade.value_million) as value_million
    from trade
    inner join members on trade.region = members.region
    group by
        trade.source, trade.vintage, trade.reporter, members.region_group, trade.frequency, trade.period_start,
        trade.period_end, trade.period_label, trade.flow, trade.currency, trade.value_type

),

published as (

    select
        trade.source,
        trade.vintage,
        trade.reporter,
        trade.region,
        trade.frequency,
        trade.period_start,
        trade.period_end,
        trade.period_label,
        trade.flow,
        trade.currency,
        trade.value_type,
        trade.value_million,
        from_provinces.members_counted,
        expected.members as members_expected,
        'published' as basis
    from trade
    left join expected on trade.region = expected.region_group
    left join from_provinces
        on
            trade.source = from_provinces.source
            and trade.reporter = from_provinces.reporter
            and trade.region = from_provinces.region
            and trade.frequency = from_provinces.frequency
            and trade.period_start = from_provinces.period_start
            and trade.period_end = from_provinces.period_end
            and trade.flow = from_provinces.flow
            and trade.currency = from_provinces.currency
            and trade.value_type = from_provinces.value_type

),

unpublished as (

    select
        from_provinces.source,
        from_provinces.vintage,
        from_provinces.reporter,
        from_provinces.region,
        from_provinces.frequency,
        from_provinces.period_start,
        from_provinces.period_end,
        from_provinces.period_label,
        from_provinces.flow,
        from_provinces.currency,
        from_provinces.value_type,
        case when from_provinces.members_counted = expected.members then from_provinces.value_million end as value_million,
        from_provinces.members_counted,
        expected.members as members_expected,
        case
            when from_provinces.members_counted = expected.members then 'summed'
            when from_provinces.members_counted <> expected.members then 'incomplete'
        end as basis
    from from_provinces
    inner join expected on from_provinces.region = expected.region_group
    left join trade
        on
            from_provinces.source = trade.source
            and from_provinces.reporter = trade.reporter
            and from_provinces.region = trade.region
            and from_provinces.frequency = trade.frequency
            and from_provinces.period_start = trade.period_start
            and from_provinces.period_end = trade.period_end
            and from_provinces.flow = trade.flow
            and from_provinces.currency = trade.currency
            and from_provinces.value_type = trade.value_type
    where trade.region is null

),

figures as (

    select * from published
    union all
    select * from unpublished

),

-- the provinces' accounts stand in no core table: fct_indicator is of whole economies
accounts as (

    select
        reporter,
        region,
        frequency,
        period_start,
        period_end,
        currency,
        max(case when indicator = 'NBS.VA_TERTIARY' then value end) as value_added,
        max(case when indicator = 'NBS.GDP' then value end) as gdp
    from {{ ref('int_observations_latest') }}
    where
        source = 'nbs_accounts'
        and region is not null
        and indicator in ('NBS.VA_TERTIARY', 'NBS.GDP')
        and unit = 'million'
    group by reporter, region, frequency, period_start, period_end, currency

),

group_accounts as (

    select
        accounts.reporter,
        members.region_group as region,
        accounts.frequency,
        accounts.period_start,
        accounts.period_end,
        accounts.currency,
        sum(accounts.value_added) as value_added,
        sum(accounts.gdp) as gdp
    from accounts
    inner join members on accounts.region = members.region
    inner join expected on members.region_group = expected.region_group
    where accounts.value_added is not null and accounts.gdp is not null
    group by
        accounts.reporter, members.region_group, accounts.frequency, accounts.period_start, accounts.period_end,
        accounts.currency, expected.members
    having count(*) = expected.members

),

all_accounts as (

    select * from accounts
    union all
    select * from group_accounts

),

-- a share is a pure number: the currency of the accounts need not be that of the trade
value_added_shares as (

    select
        reporter,
        region,
        frequency,
        period_start,
        period_end,
        {{ ratio_pct('value_added', 'gdp') }} as services_value_added_share_pct
    from all_accounts
    where currency = 'CNY'

)

select
    figures.source,
    figures.vintage,
    figures.region,
    regions.name_en as region_name_en,
    regions.name_zh as region_name_zh,
    regions.region_type,
    figures.period_label,
    figures.flow,
    figures.currency,
    {{ to_double('figures.value_million') }} as value_million,
    case
        when figures.flow <> 'balance'
            then {{ ratio_pct('figures.value_million', 'worlds.value_million') }}
    end as share_pct,
    case
        when figures.flow <> 'balance'
            then {{ growth_pct('figures.value_million', 'previous.value_million') }}
    end as growth_pct,
    value_added_shares.services_value_added_share_pct,
    cast(
        case when figures.members_expected is not null then coalesce(figures.members_counted, 0) end as integer
    ) as members_counted,
    cast(figures.members_expected as integer) as members_expected,
    figures.basis
from figures
left join regions on figures.region = regions.region
left join worlds
    on
        figures.source = worlds.source
        and figures.reporter = worlds.reporter
        and figures.flow = worlds.flow
        and figures.frequency = worlds.frequency
        and figures.period_start = worlds.period_start
        and figures.period_end = worlds.period_end
        and figures.currency = worlds.currency
        and figures.value_type = worlds.value_type
left join figures as previous
    on
        {{ is_same_period_of_previous_year('previous', 'figures') }}
        and previous.region = figures.region
        and previous.flow = figures.flow
        and previous.value_type = figures.value_type
        -- a published figure and a sum of ours are not one series
        and previous.basis = figures.basis
left join value_added_shares
    on
        figures.reporter = value_added_shares.reporter
        and figures.region = value_added_shares.region
        and figures.frequency = value_added_shares.frequency
        and figures.period_start = value_added_shares.period_start
        and figures.period_end = value_added_shares.period_end
