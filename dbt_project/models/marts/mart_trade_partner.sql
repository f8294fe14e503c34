{{ config(part_by='reporter', part_of='fct_bilateral_services_trade', by_source=['fct_bilateral_services_trade', 'int_partner_world']) }}
-- Over 150 lines, since the measures rest on five figures: of the partner, of both flows, of the world, and of the year before.
-- Each join of two large relations is on integers: a market is one number in place of eleven columns of text and dates.
-- These joins are left joins although each row has its match, since an inner join may be reordered: by one of the
-- numbers alone, it would pair all partners of a cell with each other.
with trade as (

    select
        bilateral.*,
        coalesce(economies.economy_type in ('economy', 'dissolved'), false) as is_partner_economy
    from {{ ref('fct_bilateral_services_trade') }} as bilateral
    left join {{ ref('dim_economy') }} as economies on bilateral.partner = economies.economy
    where {{ is_in_part('bilateral.reporter') }}

),

-- the reporter's world figure of the same source; a sum of partners would count groups and miss unnamed partners
worlds as (

    select * from {{ ref('int_partner_world') }}
    where {{ is_in_part('reporter') }}

),

-- a market: all partners of a reporter in one service, flow and period. cell_id is the same for all flows
markets as (

    select
        {{ reporter_cell_columns() }},
        service,
        flow,
        count(case when is_partner_economy then partner end) as partners_counted,
        sum(case when is_partner_economy then value_million end) as value_million
    from trade
    group by {{ reporter_cell_columns() }}, service, flow

),

numbered as (

    select
        *,
        cast(row_number() over (order by {{ reporter_cell_columns() }}, service, flow) as integer) as market_id,
        cast(dense_rank() over (order by {{ reporter_cell_columns() }}, service) as integer) as cell_id
    from markets

),

-- how much of the world the named economies are: a list of a few partners has a largest one, but no rank 1
compared as (

    select
        numbered.*,
        named_sources.title_en as source_name,
        named_reporters.name_en as reporter_name_en,
        named_reporters.name_zh as reporter_name_zh,
        named_reporters.economy_type as reporter_type,
        named_services.name_en as service_name_en,
        named_services.name_zh as service_name_zh,
        named_services.level as service_level,
        named_services.is_main_item,
        previous.market_id as previous_market_id,
        worlds.value_million_double as world_million,
        previous_worlds.value_million_double as previous_world_million,
        case
            when worlds.value_million_double > 0
                then {{ to_double('numbered.value_million') }} / worlds.value_million_double * 100
        end as partners_share_pct
    from numbered
    left join {{ ref('dim_source') }} as named_sources on numbered.source = named_sources.source
    left join {{ ref('dim_economy') }} as named_reporters on numbered.reporter = named_reporters.economy
    left join {{ ref('dim_service') }} as named_services on numbered.service = named_services.service
    left join numbered as previous
        on
            {{ is_same_period_of_previous_year('previous', 'numbered') }}
            and numbered.service = previous.service
            and numbered.flow = previous.flow
    left join worlds
        on
            {{ is_same_cell('numbered', 'worlds') }}
            and numbered.service = worlds.service
            and numbered.flow = worlds.flow
    left join worlds as previous_worlds
        on
            {{ is_same_period_of_previous_year('previous_worlds', 'numbered') }}
            and numbered.service = previous_worlds.service
            and numbered.flow = previous_worlds.flow

),

figures as (

    select
        numbered.market_id,
        numbered.cell_id,
        trade.partner,
        trade.flow,
        trade.is_partner_economy,
        trade.status,
        trade.value_million,
        trade.value_million_double
    from trade
    left join numbered
        on
            {{ is_same_cell('trade', 'numbered') }}
            and trade.service = numbered.service
            and trade.flow = numbered.flow

),

-- both flows of a partner and service side by side, with what is printed of them
cells as (

    select
        cell_id,
        partner,
        max(case when flow = 'exports' then value_million end) as exports_million,
        max(case when flow = 'imports' then value_million end) as imports_million,
        max(case when flow = 'total' then value_million end) as printed_total_million,
        max(case when flow = 'balance' then value_million end) as printed_balance_million
    from figures
    group by cell_id, partner

),

both_flows as (

    select
        cell_id,
        partner,
        {{ to_double('coalesce(printed_total_million, exports_million + imports_million)') }} as total_million,
        printed_total_million is not null as is_total_published,
        {{ to_double('coalesce(printed_balance_million, exports_million - imports_million)') }} as balance_million,
        printed_balance_million is not null as is_balance_published
    from cells

),

-- one window for all ranks: economies in one partition, groups and residuals in another
ranked as (

    select
        *,
        rank() over (partition by market_id, is_partner_economy order by value_million desc) as rank_of_kind
    from figures

),

partners as (

    select
        ranked.*,
        compared.previous_market_id,
        previous.value_million as previous_million,
        previous.value_million_double as previous_million_double,
        {{ to_double('ranked.value_million - previous.value_million') }} as change_million
    from ranked
    left join compared on ranked.market_id = compared.market_id
    left join figures as previous
        on
            compared.previous_market_id = previous.market_id
            and ranked.partner = previous.partner

)

select
    compared.source,
    compared.source_name,
    compared.vintage,
    compared.reporter,
    compared.reporter_name_en,
    compared.reporter_name_zh,
    compared.reporter_type,
    partners.partner,
    named_partners.name_en as partner_name_en,
    named_partners.name_zh as partner_name_zh,
    named_partners.economy_type as partner_type,
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
    partners.flow,
    partners.status,
    partners.value_million_double as value_million,
    case when compared.world_million <> 0 then partners.value_million_double / compared.world_million * 100 end as share_pct,
    case
        when partners.flow <> 'balance' and partners.previous_million > 0
            then partners.change_million / partners.previous_million_double * 100
    end as growth_pct,
    case
        when partners.flow <> 'balance'
            then {{ is_small_base('partners.value_million', 'partners.previous_million') }}
    end as is_small_base,
    case
        when compared.previous_world_million > 0
            then partners.change_million / compared.previous_world_million * 100
    end as growth_contribution_pp,
    both_flows.total_million,
    both_flows.is_total_published,
    both_flows.balance_million,
    both_flows.is_balance_published,
    cast(
        case
            when
                partners.is_partner_economy
                and compared.partners_counted > 1
                and compared.partners_share_pct >= {{ least_partners_share_pct() }}
                then partners.rank_of_kind
        end as integer
    ) as partner_rank,
    cast(compared.partners_counted as integer) as partners_counted,
    compared.partners_share_pct
from partners
left join compared on partners.market_id = compared.market_id
left join both_flows
    on
        partners.cell_id = both_flows.cell_id
        and partners.partner = both_flows.partner
left join {{ ref('dim_economy') }} as named_partners on partners.partner = named_partners.economy
