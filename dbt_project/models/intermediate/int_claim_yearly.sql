{#- The columns that name a series. -#}
{%- set series = 'source, vintage, value_type, currency' -%}

with claims as (

    select * from {{ ref('claim') }}

),

amounts as (

    select * from {{ ref('int_claim_amounts') }}

),

cells as (

    select * from {{ ref('int_claim_cells') }}

),

sources as (

    select * from {{ ref('dim_source') }}

),

economies as (

    select * from {{ ref('dim_economy') }}

),

newest as (

    select
        source,
        max(vintage) as vintage
    from amounts
    group by source

),

nationals as (

    select * from amounts
    where partner = 'WLD' and region is null

),

-- the figure that a claim speaks of, in its own series
figures as (

    select
        claims.claim_id,
        claims.measure_code,
        claims.service,
        claims.computed_flow,
        nationals.source,
        nationals.vintage,
        nationals.value_type,
        nationals.currency,
        nationals.reporter,
        nationals.period_year,
        nationals.amount,
        nationals.is_summed
    from claims
    inner join nationals
        on
            claims.area = nationals.reporter
            and claims.service = nationals.service
            and claims.computed_flow = nationals.flow
            and (claims.currency is null or claims.currency = nationals.currency)

),

-- world figures: the publisher's own world row, where it prints one
worlds as (

    select nationals.*
    from nationals
    inner join sources on nationals.source = sources.source
    where nationals.reporter = 'WLD' and sources.is_world_stated

),

levels as (

    select
        claim_id,
        {{ series }},
        period_year,
        amount,
        cast(null as double) as measured,
        concat(
            computed_flow, ' of ', service,
            case when is_summed then ', the sum of its categories' end,
            case when is_summed and service = 'KIS' then ' as inferred' end
        ) as basis
    from figures
    where measure_code = 'level'

),

deficits as (

    select
        claim_id,
        {{ series }},
        period_year,
        cast(-amount as decimal(38, 18)) as amount,
        cast(null as double) as measured,
        'imports of S less exports' as basis
    from figures
    where measure_code = 'deficit'

),

series_asked as (

    select distinct {{ series }} from figures

),

-- a source that states a group of services and not the total leans on its declared companion
denominators as (

    select
        nationals.source as services_source,
        nationals.vintage as services_vintage,
        nationals.source,
        nationals.vintage,
        nationals.value_type,
        nationals.currency,
        nationals.reporter,
        nationals.flow,
        nationals.period_year,
        nationals.amount
    from nationals
    where nationals.service = 'S'
    union all
    select
        nationals.source as services_source,
        nationals.vintage as services_vintage,
        served.source,
        served.vintage,
        served.value_type,
        nationals.currency,
        nationals.reporter,
        nationals.flow,
        nationals.period_year,
        nationals.amount
    from nationals
    inner join newest on nationals.source = newest.source and nationals.vintage = newest.vintage
    inner join {{ ref('claim_denominator') }} as companions on nationals.source = companions.services_source
    inner join series_asked as served
        on companions.source = served.source and nationals.currency = served.currency
    where nationals.service = 'S'

),

service_shares as (

    select
        figures.claim_id,
        figures.source,
        figures.vintage,
        figures.value_type,
        figures.currency,
        figures.period_year,
        cast(null as decimal(38, 18)) as amount,
        {{ ratio_pct('figures.amount', 'denominators.amount') }} as measured,
        concat(
            figures.service,
            case when figures.is_summed then ', the sum of its categories' end,
            case when figures.is_summed and figures.service = 'KIS' then ' as inferred' end,
            ', in ', figures.computed_flow, ' of S',
            case
                when denominators.services_source <> figures.source
                    then concat(' of ', denominators.services_source, ' ', denominators.services_vintage)
            end
        ) as basis
    from figures
    inner join denominators
        on
            {{ is_same_series('figures', 'denominators') }}
            and figures.reporter = denominators.reporter
            and figures.computed_flow = denominators.flow
            and figures.period_year = denominators.period_year
    where figures.measure_code = 'share_of_services'

),

flow_shares as (

    select
        figures.claim_id,
        figures.source,
        figures.vintage,
        figures.value_type,
        figures.currency,
        figures.period_year,
        cast(null as decimal(38, 18)) as amount,
        {{ ratio_pct('figures.amount', 'totals.amount') }} as measured,
        concat(figures.computed_flow, ' in the total of S') as basis
    from figures
    inner join nationals as totals
        on
            {{ is_same_series('figures', 'totals') }}
            and figures.reporter = totals.reporter
            and figures.service = totals.service
            and figures.period_year = totals.period_year
            and totals.flow = 'total'
    where figures.measure_code = 'flow_share'

),

flow_share_gaps as (

    select
        claims.claim_id,
        totals.source,
        totals.vintage,
        totals.value_type,
        totals.currency,
        totals.period_year,
        cast(null as decimal(38, 18)) as amount,
        {{ ratio_pct('(-balances.amount)', 'totals.amount') }} as measured,
        'share of imports less share of exports in the total of S' as basis
    from claims
    inner join nationals as totals
        on
            claims.area = totals.reporter
            and claims.service = totals.service
            and totals.flow = 'total'
    inner join nationals as balances
        on
            {{ is_same_series('totals', 'balances') }}
            and totals.reporter = balances.reporter
            and totals.service = balances.service
            and totals.period_year = balances.period_year
            and balances.flow = 'balance'
    where claims.measure_code = 'flow_share_gap'

),

world_shares as (

    select
        figures.claim_id,
        figures.source,
        figures.vintage,
        figures.value_type,
        figures.currency,
        figures.period_year,
        cast(null as decimal(38, 18)) as amount,
        {{ ratio_pct('figures.amount', 'worlds.amount') }} as measured,
        concat(figures.computed_flow, ' of S in the publisher''s own world row') as basis
    from figures
    inner join worlds
        on
            {{ is_same_series('figures', 'worlds') }}
            and figures.service = worlds.service
            and figures.computed_flow = worlds.flow
            and figures.period_year = worlds.period_year
    where figures.measure_code = 'world_share'

),

ranked as (

    select
        nationals.*,
        rank() over (
            partition by
                nationals.source, nationals.vintage, nationals.value_type, nationals.currency, nationals.flow, nationals.period_year
            order by nationals.amount desc
        ) as world_rank,
        count(*) over (
            partition by
                nationals.source, nationals.vintage, nationals.value_type, nationals.currency, nationals.flow, nationals.period_year
        ) as economies_ranked
    from nationals
    inner join worlds
        on
            {{ is_same_series('nationals', 'worlds') }}
            and nationals.service = worlds.service
            and nationals.flow = worlds.flow
            and nationals.period_year = worlds.period_year
    inner join economies on nationals.reporter = economies.economy
    where nationals.service = 'S' and economies.economy_type in ('economy', 'dissolved')

),

world_ranks as (

    select
        claims.claim_id,
        ranked.source,
        ranked.vintage,
        ranked.value_type,
        ranked.currency,
        ranked.period_year,
        cast(null as decimal(38, 18)) as amount,
        cast(ranked.world_rank as double) as measured,
        concat('place by ', ranked.flow, ' of S among ', ranked.economies_ranked, ' economies') as basis
    from claims
    inner join ranked on claims.area = ranked.reporter and claims.computed_flow = ranked.flow
    where claims.measure_code = 'world_rank'

),

-- (X_S / X) of the economy over (X_S / X) of the world, X being services and goods
services_in_exports as (

    select
        services.source,
        services.vintage,
        services.value_type,
        services.currency,
        services.reporter,
        services.period_year,
        goods.source as goods_source,
        goods.vintage as goods_vintage,
        {{ ratio_pct('services.amount', '(services.amount + goods.amount)') }} as services_share
    from nationals as services
    inner join sources on services.source = sources.source and sources.is_world_stated
    inner join nationals as goods
        on
            sources.goods_source = goods.source
            and services.currency = goods.currency
            and services.reporter = goods.reporter
            and services.flow = goods.flow
            and services.period_year = goods.period_year
    inner join newest on goods.source = newest.source
    where
        services.service = 'S'
        and services.flow = 'exports'
        and goods.service = 'G'
        and goods.vintage = case when goods.source = services.source then services.vintage else newest.vintage end

),

advantages as (

    select
        claims.claim_id,
        own.source,
        own.vintage,
        own.value_type,
        own.currency,
        own.period_year,
        cast(null as decimal(38, 18)) as amount,
        own.services_share / nullif(world.services_share, 0) as measured,
        concat('revealed comparative advantage of S, with goods of ', own.goods_source, ' ', own.goods_vintage) as basis
    from claims
    inner join services_in_exports as own on claims.area = own.reporter
    inner join services_in_exports as world
        on
            {{ is_same_series('own', 'world') }}
            and own.period_year = world.period_year
            and world.reporter = 'WLD'
    where claims.measure_code = 'rca'

),

groups_asked as (

    select distinct
        claims.group_code,
        claims.area,
        amounts.period_year
    from claims
    cross join amounts
    where claims.group_code is not null

),

-- members as of the end of the year, the reporter itself left out
members as (

    select
        groups.group_code,
        groups.area,
        groups.period_year,
        bridge.economy,
        count(*) over (partition by groups.group_code, groups.area, groups.period_year) as members_expected
    from groups_asked as groups
    inner join {{ ref('bridge_economy_group') }} as bridge
        on
            groups.group_code = bridge.group_code
            and groups.area <> bridge.economy
            and (bridge.valid_from is null or bridge.valid_from <= {{ year_end('groups.period_year') }})
            and (bridge.valid_to is null or bridge.valid_to >= {{ year_end('groups.period_year') }})

),

-- the group's own figure where a source prints one, else the sum where every member is there
group_amounts as (

    select
        claims.claim_id,
        amounts.source,
        amounts.vintage,
        amounts.value_type,
        amounts.currency,
        amounts.period_year,
        amounts.amount,
        concat(claims.computed_flow, ' of S with ', claims.partner, ' as printed') as basis
    from claims
    inner join amounts
        on
            claims.area = amounts.reporter
            and claims.partner = amounts.partner
            and claims.service = amounts.service
            and claims.computed_flow = amounts.flow
            and (claims.currency is null or claims.currency = amounts.currency)
    where claims.measure_code in ('group_level', 'group_share') and amounts.region is null
    union all
    select
        claims.claim_id,
        amounts.source,
        amounts.vintage,
        amounts.value_type,
        amounts.currency,
        amounts.period_year,
        cast(sum(amounts.amount) as decimal(38, 18)) as amount,
        concat(max(claims.computed_flow), ' of S with the ', count(*), ' members of ', max(claims.group_code)) as basis
    from claims
    inner join members on claims.group_code = members.group_code and claims.area = members.area
    inner join amounts
        on
            claims.area = amounts.reporter
            and members.economy = amounts.partner
            and members.period_year = amounts.period_year
            and claims.service = amounts.service
            and claims.computed_flow = amounts.flow
            and (claims.currency is null or claims.currency = amounts.currency)
    where claims.measure_code in ('group_level', 'group_share') and amounts.region is null
    group by
        claims.claim_id, amounts.source, amounts.vintage, amounts.value_type, amounts.currency, amounts.period_year
    having count(*) = max(members.members_expected)

),

group_levels as (

    select
        group_amounts.claim_id,
        group_amounts.source,
        group_amounts.vintage,
        group_amounts.value_type,
        group_amounts.currency,
        group_amounts.period_year,
        group_amounts.amount,
        cast(null as double) as measured,
        group_amounts.basis
    from group_amounts
    inner join claims on group_amounts.claim_id = claims.claim_id
    where claims.measure_code = 'group_level'

),

group_shares as (

    select
        group_amounts.claim_id,
        group_amounts.source,
        group_amounts.vintage,
        group_amounts.value_type,
        group_amounts.currency,
        group_amounts.period_year,
        cast(null as decimal(38, 18)) as amount,
        {{ ratio_pct('group_amounts.amount', 'nationals.amount') }} as measured,
        concat(group_amounts.basis, ', in that with the world') as basis
    from group_amounts
    inner join claims on group_amounts.claim_id = claims.claim_id
    inner join nationals
        on
            {{ is_same_series('group_amounts', 'nationals') }}
            and group_amounts.period_year = nationals.period_year
            and claims.area = nationals.reporter
            and claims.service = nationals.service
            and claims.computed_flow = nationals.flow
    where claims.measure_code = 'group_share'

),

-- the provinces of all regions that a claim names, each once
provinces_named as (

    select distinct
        claims.claim_id,
        region_members.region
    from claims
    inner join {{ ref('region_member') }} as region_members
        on concat('+', claims.regions, '+') like concat('%+', region_members.region_group, '+%')

),

provinces as (

    select
        claim_id,
        region,
        count(*) over (partition by claim_id) as provinces_expected
    from provinces_named

),

region_amounts as (

    select
        claims.claim_id,
        amounts.source,
        amounts.vintage,
        amounts.value_type,
        amounts.currency,
        amounts.period_year,
        amounts.amount,
        'as printed' as how
    from claims
    inner join amounts
        on
            claims.area = amounts.reporter
            and claims.regions = amounts.region
            and claims.service = amounts.service
            and claims.computed_flow = amounts.flow
    where claims.measure_code = 'region_share' and amounts.partner = 'WLD'
    union all
    select
        claims.claim_id,
        amounts.source,
        amounts.vintage,
        amounts.value_type,
        amounts.currency,
        amounts.period_year,
        cast(sum(amounts.amount) as decimal(38, 18)) as amount,
        concat('the sum of its ', count(*), ' provinces') as how
    from claims
    inner join provinces on claims.claim_id = provinces.claim_id
    inner join amounts
        on
            claims.area = amounts.reporter
            and provinces.region = amounts.region
            and claims.service = amounts.service
            and claims.computed_flow = amounts.flow
    where claims.measure_code = 'region_share' and amounts.partner = 'WLD'
    group by claims.claim_id, amounts.source, amounts.vintage, amounts.value_type, amounts.currency, amounts.period_year
    having count(*) = max(provinces.provinces_expected)

),

region_shares as (

    select
        region_amounts.claim_id,
        region_amounts.source,
        region_amounts.vintage,
        region_amounts.value_type,
        region_amounts.currency,
        region_amounts.period_year,
        cast(null as decimal(38, 18)) as amount,
        {{ ratio_pct('region_amounts.amount', 'nationals.amount') }} as measured,
        concat(claims.regions, ', ', region_amounts.how, ', in the national ', claims.computed_flow, ' of S') as basis
    from region_amounts
    inner join claims on region_amounts.claim_id = claims.claim_id
    inner join nationals
        on
            {{ is_same_series('region_amounts', 'nationals') }}
            and region_amounts.period_year = nationals.period_year
            and claims.area = nationals.reporter
            and claims.service = nationals.service
            and claims.computed_flow = nationals.flow

),

value_added as (

    select
        source,
        vintage,
        value_type,
        coalesce(currency, '') as currency,
        reporter,
        period_year,
        max(case when indicator = 'NV.SRV.TOTL.ZS' then value end) as share_printed,
        max(case when indicator = 'NBS.VA_TERTIARY' then value end) as services_value_added,
        max(case when indicator = 'NBS.GDP' then value end) as gdp
    from cells
    where indicator in ('NV.SRV.TOTL.ZS', 'NBS.GDP', 'NBS.VA_TERTIARY') and region is null
    group by source, vintage, value_type, coalesce(currency, ''), reporter, period_year

),

value_added_shares as (

    select
        claims.claim_id,
        value_added.source,
        value_added.vintage,
        value_added.value_type,
        value_added.currency,
        value_added.period_year,
        cast(null as decimal(38, 18)) as amount,
        coalesce(
            {{ to_double('value_added.share_printed') }}, {{ ratio_pct('value_added.services_value_added', 'value_added.gdp') }}
        ) as measured,
        'value added of services in GDP' as basis
    from claims
    inner join value_added on claims.area = value_added.reporter
    where claims.measure_code = 'value_added_share'

),

-- shares that a release prints, and does not leave to be computed
printed_shares as (

    select
        claims.claim_id,
        cells.source,
        cells.vintage,
        cells.value_type,
        '' as currency,
        cells.period_year,
        cast(null as decimal(38, 18)) as amount,
        {{ to_double('cells.value') }} as measured,
        concat('the share as printed (', cells.indicator, ')') as basis
    from claims
    inner join cells
        on
            claims.area = cells.reporter
            and concat('share_pct.', claims.service, '.', claims.computed_flow) = cells.indicator
            and coalesce(claims.partner, 'WLD') = cells.partner
            and coalesce(claims.regions, '') = coalesce(cells.region, '')
    where claims.measure_code in ('share_of_services', 'group_share', 'region_share') and cells.unit = 'pct'

)

{% for measure in [
    'levels', 'deficits', 'service_shares', 'flow_shares', 'flow_share_gaps', 'world_shares', 'world_ranks', 'advantages',
    'group_levels', 'group_shares', 'region_shares', 'value_added_shares', 'printed_shares'
] -%}
    select
        claim_id,
        source,
        vintage,
        value_type,
        currency,
        period_year,
        amount,
        measured,
        basis,
        {{ (measure == 'printed_shares') | string | lower }} as is_printed
    from {{ measure }}
    where coalesce(measured, {{ to_double('amount') }}) is not null
    {{ 'union all' if not loop.last }}
{% endfor %}
