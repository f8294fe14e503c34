-- Over 150 lines, since a group has two compositions, each with its coverage, share and growth.
with named_sources as (

    select * from {{ ref('dim_source') }}

),

named_reporters as (

    select * from {{ ref('dim_economy') }}

),

named_services as (

    select * from {{ ref('dim_service') }}

),

trade as (

    select * from {{ ref('fct_bilateral_services_trade') }}

),

memberships as (

    select * from {{ ref('int_group_membership') }}

),

economy_groups as (

    select * from {{ ref('dim_economy_group') }}

),

worlds as (

    select * from {{ ref('fct_services_trade') }}
    where indicator is null and flow <> 'balance'

),

sums as (

    select
        {{ reporter_cell_columns('trade') }},
        memberships.group_code,
        memberships.composition,
        trade.service,
        trade.flow,
        max(memberships.members) as members,
        count(*) as members_counted,
        string_agg(trade.partner, ' ' order by trade.partner) as counted,
        string_agg(distinct trade.status, '; ' order by trade.status) as status,
        sum(trade.value_million) as value_million
    from trade
    inner join memberships
        on
            trade.partner = memberships.economy
            and {{ is_same_period('trade', 'memberships') }}
    where trade.partner <> trade.reporter
    group by {{ reporter_cell_columns('trade') }}, memberships.group_code, memberships.composition, trade.service, trade.flow

),

-- a reporter that belongs to the group is not one of its own partners
expected as (

    select
        sums.*,
        sums.members - case when own.economy is null then 0 else 1 end as members_expected
    from sums
    left join memberships as own
        on
            sums.group_code = own.group_code
            and sums.composition = own.composition
            and sums.reporter = own.economy
            and {{ is_same_period('sums', 'own') }}

),

covered as (

    select
        *,
        {{ ratio_pct('members_counted', 'members_expected') }} as coverage_pct
    from expected

)

select
    covered.source,
    named_sources.title_en as source_name,
    covered.vintage,
    covered.reporter,
    named_reporters.name_en as reporter_name_en,
    named_reporters.name_zh as reporter_name_zh,
    named_reporters.economy_type as reporter_type,
    covered.group_code,
    economy_groups.name_en as group_name_en,
    economy_groups.name_zh as group_name_zh,
    covered.composition,
    covered.period_end < economy_groups.valid_from as is_before_founding,
    covered.frequency,
    covered.period_start,
    covered.period_end,
    covered.period_label,
    covered.currency,
    covered.value_type,
    covered.service,
    named_services.name_en as service_name_en,
    named_services.name_zh as service_name_zh,
    named_services.level as service_level,
    named_services.is_main_item,
    covered.flow,
    covered.status,
    cast(covered.members_counted as integer) as members_counted,
    cast(covered.members_expected as integer) as members_expected,
    covered.coverage_pct,
    covered.members_counted = covered.members_expected as is_complete,
    {{ to_double('covered.value_million') }} as value_million,
    case
        when covered.coverage_pct >= {{ least_coverage_pct() }}
            then {{ ratio_pct('covered.value_million', 'worlds.value_million') }}
    end as share_pct,
    case
        when covered.flow <> 'balance' and previous.counted = covered.counted and covered.coverage_pct >= {{ least_coverage_pct() }}
            then {{ growth_pct('covered.value_million', 'previous.value_million') }}
    end as growth_pct,
    case
        when covered.flow <> 'balance' and previous.counted = covered.counted and covered.coverage_pct >= {{ least_coverage_pct() }}
            then {{ is_small_base('covered.value_million', 'previous.value_million') }}
    end as is_small_base
from covered
left join named_sources on covered.source = named_sources.source
left join named_reporters on covered.reporter = named_reporters.economy
left join named_services on covered.service = named_services.service
left join economy_groups on covered.group_code = economy_groups.group_code
left join worlds
    on
        {{ is_same_cell('covered', 'worlds') }}
        and covered.service = worlds.service
        and covered.flow = worlds.flow
left join covered as previous
    on
        {{ is_same_period_of_previous_year('previous', 'covered') }}
        and previous.group_code = covered.group_code
        and previous.composition = covered.composition
        and previous.service = covered.service
        and previous.flow = covered.flow
order by
    covered.source, covered.reporter, covered.group_code, covered.service, covered.flow, covered.composition,
    covered.frequency, covered.period_start, covered.period_end, covered.currency, covered.value_type
