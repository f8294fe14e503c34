{{ config(part_by='reporter', part_of='fct_bilateral_services_trade') }}
-- Over 150 lines, since a group has two compositions, each with its coverage, share and growth.
-- Which members are counted, and their flags, are sets of bits, since sorted texts took two thirds of the time. The left
-- joins keep the order of the joins: mart_trade_partner.sql says why.
{% set words = range(5) %}  {# of 60 bits #}
with trade as (

    select * from {{ ref('fct_bilateral_services_trade') }}
    where {{ is_in_part('reporter') }}

),

worlds as (

    select * from {{ ref('int_partner_world') }}
    where {{ is_in_part('reporter') }}

),

-- a market: all partners of a reporter in one service, flow and period
markets as (

    select
        {{ reporter_cell_columns() }},
        service,
        flow,
        cast(row_number() over (order by {{ reporter_cell_columns() }}, service, flow) as integer) as market_id
    from trade
    group by {{ reporter_cell_columns() }}, service, flow

),

compared as (

    select
        markets.*,
        named_sources.title_en as source_name,
        named_reporters.name_en as reporter_name_en,
        named_reporters.name_zh as reporter_name_zh,
        named_reporters.economy_type as reporter_type,
        named_services.name_en as service_name_en,
        named_services.name_zh as service_name_zh,
        named_services.level as service_level,
        named_services.is_main_item,
        previous.market_id as previous_market_id,
        worlds.value_million_double as world_million
    from markets
    left join {{ ref('dim_source') }} as named_sources on markets.source = named_sources.source
    left join {{ ref('dim_economy') }} as named_reporters on markets.reporter = named_reporters.economy
    left join {{ ref('dim_service') }} as named_services on markets.service = named_services.service
    left join markets as previous
        on
            {{ is_same_period_of_previous_year('previous', 'markets') }}
            and markets.service = previous.service
            and markets.flow = previous.flow
    left join worlds
        on
            {{ is_same_cell('markets', 'worlds') }}
            and markets.service = worlds.service
            and markets.flow = worlds.flow

),

numbered_members as (

    select
        *,
        cast(dense_rank() over (order by group_code, composition) as integer) as group_id,
        dense_rank() over (order by economy) - 1 as member_number
    from {{ ref('int_group_membership') }}

),

memberships as (

    select
        *,
        cast(power(2, member_number % 60) as bigint) as member_bit,
        case
            when member_number < {{ 60 * words | length }} then cast(floor(member_number / 60) as integer)
            else {{ raise_error("concat_ws('', 'more members than bits in mart_trade_partner_group: ', member_number)") }}
        end as member_word
    from numbered_members

),

group_names as (

    select distinct
        group_id,
        group_code,
        composition
    from memberships

),

statuses as (

    select
        status,
        cast(power(2, row_number() over (order by status) - 1) as bigint) as status_bit
    from trade
    where status is not null
    group by status

),

figures as (

    select
        markets.market_id,
        trade.partner,
        trade.frequency,
        trade.period_start,
        trade.period_end,
        trade.value_million,
        coalesce(statuses.status_bit, 0) as status_bit
    from trade
    left join markets
        on
            {{ is_same_cell('trade', 'markets') }}
            and trade.service = markets.service
            and trade.flow = markets.flow
    left join statuses on trade.status = statuses.status
    where trade.partner <> trade.reporter

),

sums as (

    select
        figures.market_id,
        memberships.group_id,
        max(memberships.members) as members,
        count(*) as members_counted,
        {% for word in words %}
            bit_or(case when memberships.member_word = {{ word }} then memberships.member_bit else 0 end) as counted_{{ word }},
        {% endfor %}
        bit_or(figures.status_bit) as status_bits,
        sum(figures.value_million) as value_million
    from figures
    inner join memberships
        on
            figures.partner = memberships.economy
            and {{ is_same_period('figures', 'memberships') }}
    group by figures.market_id, memberships.group_id

),

status_sets as (

    select
        sets.status_bits,
        {{ text_list('statuses.status', "'; '", 'statuses.status') }} as status
    from (select distinct status_bits from sums) as sets
    inner join statuses on (sets.status_bits & statuses.status_bit) <> 0
    group by sets.status_bits

),

with_previous as (

    select
        sums.*,
        {{ to_double('sums.value_million') }} as value_million_double,
        previous.value_million as previous_million,
        sums.members_counted = previous.members_counted
        {% for word in words %}
            and sums.counted_{{ word }} = previous.counted_{{ word }}
        {% endfor %}
            as has_same_members
    from sums
    left join compared on sums.market_id = compared.market_id
    left join sums as previous
        on
            compared.previous_market_id = previous.market_id
            and sums.group_id = previous.group_id

),

-- a reporter that belongs to the group is not one of its own partners
expected as (

    select
        with_previous.*,
        group_names.group_code,
        group_names.composition,
        with_previous.members - case when own.economy is null then 0 else 1 end as members_expected
    from with_previous
    left join compared on with_previous.market_id = compared.market_id
    left join group_names on with_previous.group_id = group_names.group_id
    left join memberships as own
        on
            with_previous.group_id = own.group_id
            and compared.reporter = own.economy
            and {{ is_same_period('compared', 'own') }}

),

covered as (

    select
        *,
        case when members_expected <> 0 then cast(members_counted as double) / members_expected * 100 end as coverage_pct
    from expected

)

select
    compared.source,
    compared.source_name,
    compared.vintage,
    compared.reporter,
    compared.reporter_name_en,
    compared.reporter_name_zh,
    compared.reporter_type,
    covered.group_code,
    economy_groups.name_en as group_name_en,
    economy_groups.name_zh as group_name_zh,
    covered.composition,
    compared.period_end < economy_groups.valid_from as is_before_founding,
    compared.frequency,
    compared.period_start,
    compared.period_end,
    compared.period_label,
    compared.currency,
    compared.value_type,
    compared.service,
    compared.service_name_en,
    compared.service_name_zh,
    compared.service_level,
    compared.is_main_item,
    compared.flow,
    status_sets.status,
    cast(covered.members_counted as integer) as members_counted,
    cast(covered.members_expected as integer) as members_expected,
    covered.coverage_pct,
    covered.members_counted = covered.members_expected as is_complete,
    covered.value_million_double as value_million,
    case
        when covered.coverage_pct >= {{ least_coverage_pct() }} and compared.world_million <> 0
            then covered.value_million_double / compared.world_million * 100
    end as share_pct,
    case
        when compared.flow <> 'balance' and covered.has_same_members and covered.coverage_pct >= {{ least_coverage_pct() }}
            then {{ growth_pct('covered.value_million', 'covered.previous_million') }}
    end as growth_pct,
    case
        when compared.flow <> 'balance' and covered.has_same_members and covered.coverage_pct >= {{ least_coverage_pct() }}
            then {{ is_small_base('covered.value_million', 'covered.previous_million') }}
    end as is_small_base
from covered
left join compared on covered.market_id = compared.market_id
left join {{ ref('dim_economy_group') }} as economy_groups on covered.group_code = economy_groups.group_code
left join status_sets on covered.status_bits = status_sets.status_bits
