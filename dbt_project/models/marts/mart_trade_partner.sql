-- Over 150 lines, since the measures rest on five figures: of the partner, of both flows, of the world, and of the year before.
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

economies as (

    select
        *,
        economy_type in ('economy', 'dissolved') as is_partner_economy
    from {{ ref('dim_economy') }}

),

-- the reporter's world figure of the same source; a sum of partners would count groups and miss unnamed partners
worlds as (

    select * from {{ ref('fct_services_trade') }}
    where indicator is null and flow <> 'balance'

),

-- both flows of a partner and service side by side, with what is printed of them
cells as (

    select
        {{ reporter_cell_columns() }},
        partner,
        service,
        max(case when flow = 'exports' then value_million end) as exports_million,
        max(case when flow = 'imports' then value_million end) as imports_million,
        max(case when flow = 'total' then value_million end) as printed_total_million,
        max(case when flow = 'balance' then value_million end) as printed_balance_million
    from trade
    group by {{ reporter_cell_columns() }}, partner, service

),

-- one window for all ranks: economies in one partition, groups and residuals in another
partners as (

    select
        trade.*,
        economies.name_en as partner_name_en,
        economies.name_zh as partner_name_zh,
        economies.economy_type as partner_type,
        coalesce(economies.is_partner_economy, false) as is_partner_economy,
        rank() over (
            partition by
                trade.source, trade.reporter, trade.service, trade.flow, trade.frequency,
                trade.period_start, trade.period_end, trade.currency, trade.value_type,
                coalesce(economies.is_partner_economy, false)
            order by trade.value_million desc
        ) as rank_of_kind
    from trade
    left join economies on trade.partner = economies.economy

),

named as (

    select
        {{ reporter_cell_columns() }},
        service,
        flow,
        count(case when is_partner_economy then partner end) as partners_counted,
        sum(case when is_partner_economy then value_million end) as value_million
    from partners
    group by {{ reporter_cell_columns() }}, service, flow

),

-- how much of the world the named economies are: a list of a few partners has a largest one, but no rank 1
compared as (

    select
        named.*,
        worlds.value_million as world_million,
        previous_worlds.value_million as previous_world_million,
        case when worlds.value_million > 0 then {{ ratio_pct('named.value_million', 'worlds.value_million') }} end as partners_share_pct
    from named
    left join worlds
        on
            {{ is_same_cell('named', 'worlds') }}
            and named.service = worlds.service
            and named.flow = worlds.flow
    left join worlds as previous_worlds
        on
            {{ is_same_period_of_previous_year('previous_worlds', 'named') }}
            and named.service = previous_worlds.service
            and named.flow = previous_worlds.flow

)

select
    partners.source,
    named_sources.title_en as source_name,
    partners.vintage,
    partners.reporter,
    named_reporters.name_en as reporter_name_en,
    named_reporters.name_zh as reporter_name_zh,
    named_reporters.economy_type as reporter_type,
    partners.partner,
    partners.partner_name_en,
    partners.partner_name_zh,
    partners.partner_type,
    partners.frequency,
    partners.period_start,
    partners.period_end,
    partners.period_label,
    partners.currency,
    partners.value_type,
    partners.service,
    named_services.name_en as service_name_en,
    named_services.name_zh as service_name_zh,
    named_services.level as service_level,
    named_services.is_main_item,
    partners.flow,
    partners.status,
    {{ to_double('partners.value_million') }} as value_million,
    {{ ratio_pct('partners.value_million', 'compared.world_million') }} as share_pct,
    case
        when partners.flow <> 'balance'
            then {{ growth_pct('partners.value_million', 'previous.value_million') }}
    end as growth_pct,
    case
        when partners.flow <> 'balance'
            then {{ is_small_base('partners.value_million', 'previous.value_million') }}
    end as is_small_base,
    {{ contribution_pp('partners.value_million', 'previous.value_million', 'compared.previous_world_million') }}
        as growth_contribution_pp,
    {{ to_double('coalesce(cells.printed_total_million, cells.exports_million + cells.imports_million)') }} as total_million,
    cells.printed_total_million is not null as is_total_published,
    {{ to_double('coalesce(cells.printed_balance_million, cells.exports_million - cells.imports_million)') }} as balance_million,
    cells.printed_balance_million is not null as is_balance_published,
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
left join named_sources on partners.source = named_sources.source
left join named_reporters on partners.reporter = named_reporters.economy
left join named_services on partners.service = named_services.service
inner join compared
    on
        {{ is_same_cell('partners', 'compared') }}
        and partners.service = compared.service
        and partners.flow = compared.flow
inner join cells
    on
        {{ is_same_cell('partners', 'cells') }}
        and partners.partner = cells.partner
        and partners.service = cells.service
left join trade as previous
    on
        {{ is_same_period_of_previous_year('previous', 'partners') }}
        and previous.partner = partners.partner
        and previous.service = partners.service
        and previous.flow = partners.flow
order by
    partners.source, partners.reporter, partners.partner, partners.service, partners.flow, partners.frequency,
    partners.period_start, partners.period_end, partners.currency, partners.value_type
